//! Page tokens: opaque, and good only for the caller and the query that they were given to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::gate::Admitted;
use crate::problem::Problem;

#[derive(Serialize, Deserialize)]
struct Bound<T> {
    query: String,
    caller: Option<uuid::Uuid>,
    place: T,
}

/// The token of the page that begins behind a place.
pub(crate) fn seal<T: Serialize>(admitted: &Admitted, query: &str, place: T) -> String {
    let bound = Bound { query: query.to_owned(), caller: caller(admitted), place };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&bound).expect("texts and ids are JSON"))
}

/// The place in a token; nothing for an empty one.
pub(crate) fn open<T: DeserializeOwned>(
    admitted: &Admitted,
    query: &str,
    token: &str,
) -> Result<Option<T>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let bound: Option<Bound<T>> =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let own = bound.filter(|bound| bound.query == query && bound.caller == caller(admitted));
    let wrong = || Problem::invalid("this page_token is not of this list: start again without one");
    own.map(|bound| Some(bound.place)).ok_or_else(wrong)
}

fn caller(admitted: &Admitted) -> Option<uuid::Uuid> {
    admitted.caller.token().map(|id| id.0)
}
