//! Logins of accounts, as far as the caller may look accounts up.

use std::collections::{BTreeSet, HashMap};

use proto::auth::v1::DescribeAccountsRequest;
use tonic::Code;

use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// Accounts that auth describes at a time.
const DESCRIBED: usize = 1_000;

/// The logins of these accounts by their ids; none for a caller that may not look accounts up, who is shown ids.
pub(crate) async fn known<P>(
    given: &Given<P>,
    ids: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, String>, Problem> {
    let ids: Vec<String> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut logins = HashMap::new();
    for part in ids.chunks(DESCRIBED) {
        let message = DescribeAccountsRequest { ids: part.to_vec() };
        let request = upstream::request(&given.admitted.presented, message, READ_CALL);
        match given.app.upstreams.auth().describe_accounts(request).await {
            Ok(reply) => {
                let accounts = reply.into_inner().accounts.into_iter();
                logins.extend(accounts.map(|account| (account.id, account.login)));
            }
            Err(status) if [Code::PermissionDenied, Code::Unauthenticated].contains(&status.code()) => {
                return Ok(HashMap::new());
            }
            Err(status) => return Err(status.into()),
        }
    }
    Ok(logins)
}
