//! A version under construction beside the live one.

use access::Table;
use readmodel::write::{Database, Purpose, Tx, Version};

use crate::{
    apply::{Epochs, apply_beside},
    batch::{Batch, Positions},
    intake::{Intake, Sources, Taken},
};

/// A version under construction, and how far it is.
pub(crate) struct Beside {
    pub(crate) db: Database,
    pub(crate) version: Version,
    pub(crate) at: Positions,
    epochs: Epochs,
    table: Option<Table>,
}

impl Beside {
    /// Makes an empty version, of the log that the live one follows.
    pub(crate) async fn new(db: &Database, purpose: Purpose) -> anyhow::Result<Self> {
        let live = db.checkpoints().await?;
        Ok(Self {
            version: db.create(purpose).await?,
            db: db.clone(),
            at: Positions::default(),
            epochs: Epochs { authz: live.authz.epoch, catalog: live.catalog.epoch },
            table: Some(Table::default()),
        })
    }

    /// Takes a bounded stretch in, a transaction for each batch.
    pub(crate) async fn extend(&mut self, sources: Sources, to: Positions) -> anyhow::Result<()> {
        let mut intake = self.intake(sources);
        while let Some(batch) = next(&mut intake).await? {
            let mut tx = self.db.begin(self.version).await?;
            apply_beside(&mut tx, &self.epochs, &batch).await?;
            tx.commit().await?;
            self.at = batch.to;
        }
        let mut tx = self.db.begin(self.version).await?;
        apply_beside(&mut tx, &self.epochs, &Batch::moving(self.at, to)).await?;
        tx.commit().await?;
        (self.at, self.table) = (to, Some(intake.into_table()));
        Ok(())
    }

    /// The same within one transaction, which the caller commits or drops. Called again after a drop, it does the
    /// same again: what the table has seen already it passes over.
    pub(crate) async fn extend_within(
        &mut self,
        tx: &mut Tx,
        sources: Sources,
        to: Positions,
    ) -> anyhow::Result<()> {
        let mut intake = self.intake(sources);
        let mut at = self.at;
        while let Some(batch) = next(&mut intake).await? {
            apply_beside(tx, &self.epochs, &batch).await?;
            at = batch.to;
        }
        apply_beside(tx, &self.epochs, &Batch::moving(at, to)).await?;
        self.table = Some(intake.into_table());
        Ok(())
    }

    fn intake(&mut self, sources: Sources) -> Intake {
        let table = self.table.take().expect("an extension that failed is not extended again");
        Intake::new(table, self.at, sources)
    }
}

async fn next(intake: &mut Intake) -> anyhow::Result<Option<Batch>> {
    match intake.next().await {
        Taken::Batch(batch) => Ok(Some(batch)),
        Taken::Ended => Ok(None),
        Taken::Stopped(stopped) => {
            anyhow::bail!("{} cannot be taken in: {}", stopped.stream, stopped.reason)
        }
    }
}
