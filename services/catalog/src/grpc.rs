//! From request to command and from what was decided to reply. Whatever is refused for its form is refused here.

mod catalog;
mod events;
mod group;
mod package;
mod status;

use std::sync::Arc;
use std::time::Duration;

use access::{Action, Credential, Object, Service, Verdict};
use feed::client::AccessView;
use feed::deadline;
use runtime::{Ambient, Code, Failure};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::app::{Asker, Catalog};

pub use catalog::CatalogApi;
pub use events::EventsApi;
pub use status::status;

/// The longest a caller may wait for others to know of a change.
const PATIENCE: Duration = feed::server::RECEIPT_LIMIT;

/// The credential that the metadata holds; what cannot be read is as good as a wrong one.
fn credential(metadata: &MetadataMap) -> Credential {
    let Some(value) = metadata.get("authorization") else { return Credential::None };
    let bearer = value.to_str().ok().and_then(|value| value.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Credential::of(token.trim()),
        Some(_) | None => Credential::Garbage,
    }
}

async fn asker(catalog: &Catalog, metadata: &MetadataMap) -> Asker {
    catalog.until_leased().await;
    catalog.asker(credential(metadata), deadline::within(metadata, PATIENCE))
}

fn invalid(reason: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Invalid, reason.to_string())
}

/// Lets services, and only them, to the content feed.
pub fn feed_gate(access: AccessView, ambient: Ambient) -> feed::server::Gate {
    Arc::new(move |metadata: &MetadataMap, action: Action| -> Result<Service, Status> {
        let credential = credential(metadata);
        access.read(|table| {
            let caller = table.caller(ambient.clock.now(), &credential);
            match table.decide(&caller, action, &Object::Server) {
                Verdict::Allowed(access::By::Service(service)) => Ok(service),
                Verdict::Allowed(_) => Err(Status::permission_denied("feeds are for services")),
                Verdict::Refused(refusal) => {
                    let words = table.refusal_words(&caller, &refusal, action, &Object::Server);
                    Err(Status::permission_denied(words))
                }
            }
        })
    })
}
