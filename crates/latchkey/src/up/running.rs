//! What is done to the read models of a running `up` from outside: built anew, compared with the log.

use std::path::PathBuf;

use access::Service;
use anyhow::Context as _;
use clap::Args;
use projector::{Config, Database, Origin};
use serde_json::json;

use super::parts::Plan;
use super::record::Record;
use super::secrets::Secrets;
use crate::failed::{Exit, Failed};
use crate::verb::Context;

/// `latchkey rebuild`, `latchkey verify`
#[derive(Debug, Args)]
pub struct Running {
    /// The folder it runs in
    #[arg(long, value_name = "DIR", default_value = ".latchkey")]
    data: PathBuf,
}

impl Running {
    pub(crate) async fn rebuild(self, context: &Context) -> Result<(), Failed> {
        let config = self.config(context)?;
        let keyring = projector::keyring(&config)?;
        let log = projector::connect(&config, &context.ambient, keyring.clone()).await?;
        let database = Database::connect(&config.database_url).map_err(anyhow::Error::from)?;
        let rebuilt = projector::rebuild(&database, Origin::Log(log), &keyring).await?;
        let number = rebuilt.version.number;
        context.output.line(format!("version {number} of the read models is live"));
        context.output.document(&json!({
            "version": number, "authz_seq": rebuilt.authz_seq, "catalog_seq": rebuilt.catalog_seq,
        }));
        Ok(())
    }

    pub(crate) async fn verify(self, context: &Context) -> Result<(), Failed> {
        let config = self.config(context)?;
        let log = projector::connect(&config, &context.ambient, projector::keyring(&config)?).await?;
        let database = Database::connect(&config.database_url).map_err(anyhow::Error::from)?;
        let report = projector::verify(&database, &log).await?;
        context.output.line(report.to_string());
        let lines: Vec<_> = report
            .lines
            .iter()
            .map(|line| {
                json!({
                    "what": line.what, "live": line.live, "expected": line.expected, "agrees": line.agrees,
                    "differences": line.differences,
                })
            })
            .collect();
        context.output.document(&json!({
            "agrees": report.agrees(), "authz_seq": report.authz_seq, "catalog_seq": report.catalog_seq,
            "lines": lines,
        }));
        match report.agrees() {
            true => Ok(()),
            // Said already: only the number is left to tell.
            false => Err(Failed::new(Exit::Other, "")),
        }
    }

    fn config(&self, context: &Context) -> anyhow::Result<Config> {
        let root =
            self.data.canonicalize().with_context(|| format!("there is no {}", self.data.display()))?;
        Record::read(&root.join("up.json"))
            .with_context(|| format!("nothing runs in {}: start it with latchkey up", root.display()))?;
        let secrets = Secrets::ensure(&root.join("secrets"), &context.ambient)?;
        let any = ([127, 0, 0, 1], 0).into();
        Plan::new(root.join("blobs"), secrets, &[any]).config(Service::Projector, 0)
    }
}
