//! Tokens in a text that leaked: found by shape and checksum here, by hash on the server. No string is printed, and of
//! the text nothing but such strings leaves this machine.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read};

use access::token_string;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::list::last_use;
use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;

/// Strings in one request; the server takes no more.
const AT_ONCE: usize = 1_000;

/// Read at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// `latchkey token leaked`
pub(super) async fn leaked(context: &Context, client: &Client, revoke: bool) -> Result<(), Failed> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(Failed::usage("pipe the text in: latchkey token leaked < FILE"));
    }
    let strings: Vec<String> = strings_in(input.lock())
        .map_err(|error| Failed::io("reading standard input", &error))?
        .into_iter()
        .collect();
    let mut tokens = Vec::new();
    for strings in strings.chunks(AT_ONCE) {
        let request = client.api(Method::POST, &["tokens", "leaked"]).header(CONTENT_TYPE, "text/plain");
        let answer = client.json(request.body(strings.join("\n"))).await?;
        tokens.extend_from_slice(list(&answer, "tokens"));
    }
    // Two strings of one token, old and new, are one find.
    let mut seen = BTreeSet::new();
    tokens.retain(|token| seen.insert(text(token, "id")));
    report(context, strings.len(), &tokens, revoke);
    if revoke {
        for token in in_order(client, &mut tokens).await? {
            let request = client.api(Method::DELETE, &["tokens", &text(token, "id")]);
            let request = request.query(&[("owner", text(token, "owner")), ("reason", "leaked".to_owned())]);
            let answer = client.json(request).await?;
            context.output.line(format!("revoked {:?}: it opens nothing from now on", text(token, "name")));
            *token = answer.get("token").cloned().unwrap_or_default();
        }
    }
    context.output.document(&json!({ "strings": strings.len(), "tokens": tokens }));
    Ok(())
}

fn report(context: &Context, strings: usize, tokens: &[Value], revoke: bool) {
    let output = context.output;
    if tokens.is_empty() {
        output.line(match strings {
            0 => "nothing in it has the shape of a token".to_owned(),
            count => {
                format!("{count} strings in it have the shape of a token; none is a token that you may see")
            }
        });
        return;
    }
    let row = |token: &Value| {
        let mut row = ["name", "state", "kind", "expires_at"].map(|field| text(token, field)).to_vec();
        row.extend([last_use(token), text(token, "id")]);
        row
    };
    output.table(
        &["TOKEN", "STATE", "KIND", "EXPIRES", "LAST USE", "ID"],
        &tokens.iter().map(row).collect::<Vec<_>>(),
    );
    if !revoke && tokens.iter().any(is_live) {
        output.line("to revoke what is live of them: the same again with --revoke");
    }
}

fn is_live(token: &Value) -> bool {
    text(token, "state") == "live"
}

/// Those to revoke; the one in use last, as nothing can be done after it.
async fn in_order<'a>(client: &Client, tokens: &'a mut [Value]) -> Result<Vec<&'a mut Value>, Failed> {
    let mut live: Vec<&mut Value> = tokens.iter_mut().filter(|token| is_live(token)).collect();
    if !live.is_empty() {
        let own = client.get(&["whoami"]).await?;
        let own = own.get("token").map(|token| text(token, "id"));
        live.sort_by_key(|token| Some(text(token, "id")) == own);
    }
    Ok(live)
}

/// Everything of the right shape and checksum, once each. Text of any length: only a piece is held at a time.
fn strings_in(mut input: impl Read) -> std::io::Result<BTreeSet<String>> {
    let mut strings = BTreeSet::new();
    let mut held = Vec::new();
    loop {
        let read = input.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut held)?;
        let windows = held.windows(token_string::CHARS).filter(|window| window.starts_with(b"lk"));
        let texts = windows.filter_map(|window| std::str::from_utf8(window).ok());
        strings.extend(texts.filter(|text| token_string::check(text).is_some()).map(str::to_owned));
        if read == 0 {
            return Ok(strings);
        }
        // One that is cut off by the end of a piece is whole in the next.
        held.drain(..held.len().saturating_sub(token_string::CHARS - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_found_once_wherever_it_stands_and_chance_is_not() {
        let minted = |n| token_string::mint(token_string::Kind::Resource, [n; token_string::RANDOM_BYTES]);
        let (first, second, third) = (minted(1), minted(2), minted(3));
        let mut text =
            format!("url = https://h/t/{first}/acme {first} lkr-{}\n", "0".repeat(36)).into_bytes();
        text.extend_from_slice(b"\xff\xfe");
        text.resize(CHUNK_BYTES - 7, b'.');
        text.extend_from_slice(second.as_bytes());
        text.resize(2 * CHUNK_BYTES + 1, b'.');
        text.extend_from_slice(third.as_bytes());
        let found = strings_in(text.as_slice()).unwrap();
        assert_eq!(found, BTreeSet::from([first, second, third]));
    }
}
