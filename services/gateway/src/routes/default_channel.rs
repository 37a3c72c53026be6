//! The channel that somebody who signs in as to Anaconda's products finds there: named after them, open to all, and each
//! package in it private where its owner says so.

use proto::catalog::v1::CreateChannelRequest;
use proto::event::v1::Privacy;
use runtime::{Code, Failure};

use crate::caller::Presented;
use crate::limits::WRITE_CALL;
use crate::state::App;
use crate::upstream;

/// Makes it if no channel bears the name; signing in does not fail for it.
pub(crate) async fn ensure(app: &App, session: &Presented, login: &str) {
    if app.view.read(|table| table.channel_named(login).is_some()) {
        return;
    }
    let message = CreateChannelRequest {
        name: login.to_owned(),
        privacy: Privacy::Public.into(),
        description: String::new(),
        owner_id: String::new(),
        parent: String::new(),
    };
    let request = upstream::request(session, message, WRITE_CALL);
    match app.upstreams.catalog().create_channel(request).await.map_err(Failure::from_status) {
        Ok(reply) => {
            // The client's next request may be for this channel.
            app.view.wait_for(reply.into_inner().authz_seq, WRITE_CALL).await.ok();
        }
        // Somebody was quicker, in another window.
        Err(failure) if failure.code == Code::Exists => {}
        Err(failure) => {
            tracing::warn!(%failure, "a default channel was not made; the next sign-in tries again")
        }
    }
}
