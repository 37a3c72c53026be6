//! The RPCs: requests to commands, what was decided to replies. Rejected here, trusted below.

mod answer;
mod auth;
mod parse;
mod role;
mod status;
mod subscribe;

use std::sync::Arc;

use access::{Action, By, Object, Verdict};
use feed::client::AccessView;
use feed::server::Gate;
use runtime::{Clock, Failure};
use tonic::Status;

use crate::app::denied;
use crate::call;

pub use auth::Rpc;
pub use status::status;
pub use subscribe::Audit;

/// Lets through whom the access table takes for one of our own services.
pub fn gate(view: AccessView, clock: Arc<dyn Clock>) -> Gate {
    Arc::new(move |metadata, action: Action| {
        let credential = call::credential(metadata);
        let now = clock.now();
        view.read(|table| {
            let caller = table.caller(now, &credential);
            match table.decide(&caller, action, &Object::Server) {
                Verdict::Allowed(By::Service(service)) => Ok(service),
                Verdict::Allowed(_) => {
                    Err(Status::permission_denied("feeds are for the server's own services"))
                }
                Verdict::Refused(refusal) => {
                    Err(Failure::into(denied(table, &caller, &refusal, action, &Object::Server)))
                }
            }
        })
    })
}
