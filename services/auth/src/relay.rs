//! Tells the other replicas of auth how far followers are, and hears it from them: core NATS, subject `ack.authz`.
//!
//! A report that is lost costs time: whoever misses it waits for the next, or until a lease has lapsed. One that no key of
//! ours has signed is thrown away and counted.

use std::sync::Arc;

use async_nats::Client;
use eventlog::keys::{Keyring, Signer};
use eventlog::{Writer, open_note, seal_note};
use feed::server::{Holders, Relay, Report};
use futures::StreamExt as _;
use prost::Message as _;
use proto::feed::v1 as wire;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Auth's replicas alone may use it.
pub const SUBJECT: &str = "ack.authz";
/// Reports that wait to be told; what does not fit is lost.
const BUFFERED_REPORTS: usize = 1_024;

/// Begins to listen, and gives what tells.
pub async fn open(
    client: Client,
    signer: Signer,
    keyring: Keyring,
    holders: Holders,
) -> anyhow::Result<Relay> {
    let mut heard = client.subscribe(SUBJECT).await?;
    tokio::spawn(async move {
        while let Some(message) = heard.next().await {
            match parse(&keyring, message.payload) {
                Ok(report) => holders.heard(&report.name, report.incarnation, report.applied),
                Err(why) => {
                    metrics::counter!("auth_acks_refused_total").increment(1);
                    tracing::warn!(why, "a report of another replica is not believed");
                }
            }
        }
    });
    let (reports, mut told) = mpsc::channel::<Report>(BUFFERED_REPORTS);
    tokio::spawn(async move {
        while let Some(report) = told.recv().await {
            if let Err(error) = client.publish(SUBJECT, seal_note(&signer, SUBJECT, encode(&report))).await {
                tracing::debug!(%error, "a report is not told to the other replicas");
            }
        }
    });
    Ok(Arc::new(move |report| {
        if reports.try_send(report).is_err() {
            metrics::counter!("auth_acks_dropped_total").increment(1);
        }
    }))
}

fn encode(report: &Report) -> Vec<u8> {
    let Report { name, incarnation, applied } = report;
    let incarnation = incarnation.as_bytes().to_vec();
    wire::Report { follower: name.clone(), incarnation, applied: *applied }.encode_to_vec()
}

fn parse(keyring: &Keyring, raw: bytes::Bytes) -> Result<Report, String> {
    let body = open_note(keyring, Writer::Auth, SUBJECT, raw)?;
    let report = wire::Report::decode(body).map_err(|error| error.to_string())?;
    let incarnation = Uuid::from_slice(&report.incarnation).map_err(|error| error.to_string())?;
    Ok(Report { name: report.follower, incarnation, applied: report.applied })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventlog::keys::generate;

    fn report() -> Report {
        Report { name: "gateway-1".into(), incarnation: Uuid::from_u128(7), applied: 42 }
    }

    #[test]
    fn what_one_replica_tells_another_reads() {
        let generated = generate();
        let signer = Signer::parse(&generated.private_pem).unwrap();
        let told = seal_note(&signer, SUBJECT, encode(&report()));
        assert_eq!(parse(&generated.keyring, told).unwrap(), report());
    }

    #[test]
    fn what_a_stranger_tells_or_what_was_said_elsewhere_is_not_believed() {
        let (ours, theirs) = (generate(), generate());
        let stranger = Signer::parse(&theirs.private_pem).unwrap();
        let forged = seal_note(&stranger, SUBJECT, encode(&report()));
        assert!(parse(&ours.keyring, forged).unwrap_err().contains("is not in the ring"));
        let signer = Signer::parse(&ours.private_pem).unwrap();
        let moved = seal_note(&signer, "ack.other", encode(&report()));
        assert!(parse(&ours.keyring, moved).is_err());
        assert!(parse(&ours.keyring, bytes::Bytes::from_static(b"x")).is_err());
    }
}
