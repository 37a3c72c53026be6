//! What a subscriber asks for, in the words of people: names of accounts and channels become ids here.

use proto::auth::v1::AccountRequest;
use proto::events::v1::SubscribeRequest;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::Log;
use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::json::query;
use crate::upstream;

/// Names that are looked up for one subscription; how many ids there may be is auth's and catalog's to say.
const MAX_NAMES: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// A sequence number or an RFC 3339 time.
    from: String,
    follow: bool,
    kind: String,
    actor: String,
    object: String,
    epoch: String,
}

pub(super) async fn request(given: &Given<Log>) -> Result<SubscribeRequest, Problem> {
    let asked: Asked = query(&given.uri)?;
    let (from_seq, from_time_us) = from(&asked.from)?;
    names_are_few(&asked)?;
    let (mut actors, mut objects) = (Vec::new(), Vec::new());
    for word in words(&asked.actor) {
        actors.push(actor(given, word).await?);
    }
    for word in words(&asked.object) {
        objects.push(object(given, word).await?);
    }
    Ok(SubscribeRequest {
        from_seq,
        from_time_us,
        until_now: !asked.follow,
        kinds: words(&asked.kind).map(str::to_owned).collect(),
        actors,
        objects,
        epoch: asked.epoch,
    })
}

fn names_are_few(asked: &Asked) -> Result<(), Problem> {
    let named = words(&asked.actor).chain(words(&asked.object)).filter(|word| is_name(word)).count();
    if named > MAX_NAMES {
        return Err(Problem::invalid(format!(
            "actor and object hold {named} names, {MAX_NAMES} are the most"
        )));
    }
    Ok(())
}

/// Several are separated by commas.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Neither an id nor a service, which decides on its own behalf under its own name.
fn is_name(word: &str) -> bool {
    word.parse::<Uuid>().is_err() && word.parse::<access::Service>().is_err()
}

fn from(text: &str) -> Result<(u64, Option<i64>), Problem> {
    if text.is_empty() {
        return Ok((0, None));
    }
    if let Ok(seq) = text.parse() {
        return Ok((seq, None));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let time_us = time.and_then(|time| i64::try_from(time.unix_timestamp_nanos() / 1_000).ok());
    let wrong = || Problem::invalid("from is a sequence number, or a time like 2026-11-25T08:00:00Z");
    Ok((0, Some(time_us.ok_or_else(wrong)?)))
}

async fn actor(given: &Given<Log>, word: &str) -> Result<String, Problem> {
    if is_name(word) { account(given, word).await } else { Ok(word.to_owned()) }
}

/// Accounts and channels share their names, so that a word means one of them.
async fn object(given: &Given<Log>, word: &str) -> Result<String, Problem> {
    if word.parse::<Uuid>().is_ok() {
        return Ok(word.to_owned());
    }
    let channel = given.app.view.read(|table| table.channel_named(word).map(|channel| channel.id));
    match channel {
        Some(id) => Ok(id.to_string()),
        None => account(given, word).await,
    }
}

async fn account(given: &Given<Log>, login: &str) -> Result<String, Problem> {
    let found = upstream::retried(|| {
        let message = AccountRequest { login: login.to_owned() };
        let request = upstream::request(&given.admitted.presented, message, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.find_account(request).await }
    });
    Ok(found.await?.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_number_or_a_time() {
        assert_eq!(from("").unwrap(), (0, None));
        assert_eq!(from("17").unwrap(), (17, None));
        assert_eq!(from("1970-01-01T00:00:01Z").unwrap(), (0, Some(1_000_000)));
        assert!(from("yesterday").is_err() && from("-1").is_err());
    }

    #[test]
    fn lists_are_separated_by_commas_and_only_names_are_looked_up() {
        assert_eq!(words(" a, ,b,").collect::<Vec<_>>(), ["a", "b"]);
        let id = Uuid::nil().to_string();
        assert_eq!([is_name("ada"), is_name("auth"), is_name(&id)], [true, false, false]);
    }

    #[test]
    fn the_number_of_names_is_limited() {
        let asked = |count| Asked { actor: vec!["ada"; count].join(","), ..Asked::default() };
        assert!(names_are_few(&asked(MAX_NAMES)).is_ok());
        assert!(names_are_few(&asked(MAX_NAMES + 1)).is_err());
    }
}
