//! Waiting until others know. What is committed stays committed, whoever has not answered by then.

use std::time::Duration;

use proto::feed::v1::Receipt;

use super::{Asker, Catalog};

/// A change that opens something waits this long for gateways to know of it.
const WIDENING_LIMIT: Duration = Duration::from_secs(2);
/// A change of contents waits this long for its followers.
const CONTENT_LIMIT: Duration = Duration::from_secs(2);

impl Catalog {
    /// Asks auth who has applied a change of access (design, section 4: R2 to R4).
    pub(super) async fn access_receipt(&self, seq: u64, restricting: bool, asker: &Asker) -> Receipt {
        self.receipt(seq, restricting, false, asker).await
    }

    /// The same for a change that may hide what was public: for a while it can be shown without a lease.
    pub(super) async fn sight_receipt(&self, seq: u64, restricting: bool, asker: &Asker) -> Receipt {
        self.receipt(seq, restricting, restricting, asker).await
    }

    async fn receipt(&self, seq: u64, restricting: bool, hides: bool, asker: &Asker) -> Receipt {
        let patience = self.patience(asker);
        let limit = if restricting { patience } else { patience.min(WIDENING_LIMIT) };
        match self.parts.auth.await_applied(seq, hides, limit).await {
            Ok(receipt) => receipt,
            Err(status) => {
                tracing::warn!(seq, %status, "nobody could say who has applied a change of access");
                // Nobody has confirmed, and who would have to is not known here.
                Receipt {
                    seq,
                    silent: vec!["every gateway, as auth gave no receipt".into()],
                    ..Receipt::default()
                }
            }
        }
    }

    /// Waits for the followers of the content feed, whichever replica they follow; gives who has not heard.
    pub(super) async fn content_receipt(&self, seq: u64, asker: &Asker) -> Vec<String> {
        let limit = self.patience(asker).min(CONTENT_LIMIT);
        self.parts.followers.await_applied(seq, limit).await.silent
    }
}
