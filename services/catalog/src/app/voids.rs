//! Which messages of AUTHZ are void, by this process's own fold.

use std::time::Duration;

use async_trait::async_trait;
use eventlog::{LogError, Voids};
use feed::client::AccessView;
use runtime::Failure;

use super::Catalog;

/// How long the access feed may take to bring what was just appended.
const OWN_FOLD_LIMIT: Duration = Duration::from_secs(5);

pub(super) struct Access(pub(super) AccessView);

#[async_trait]
impl Voids for Access {
    async fn is_void(&self, seq: u64) -> Result<bool, LogError> {
        let reached = self.0.wait_for(seq, OWN_FOLD_LIMIT).await;
        reached.map_err(|behind| LogError::Unavailable(Box::new(behind)))?;
        Ok(self.0.read(|table| table.is_void(seq)))
    }
}

impl Catalog {
    /// Returns once this process's own fold has reached a sequence.
    pub(super) async fn known(&self, seq: u64) -> Result<(), Failure> {
        let reached = self.parts.access.wait_for(seq, OWN_FOLD_LIMIT).await;
        reached.map(drop).map_err(|behind| {
            Failure::unavailable("this server has not caught up with a change of access; try again")
                .because(behind)
        })
    }
}
