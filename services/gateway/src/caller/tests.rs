//! What is left of a request: no token, in no form.

use super::*;
use access::SecretHash;
use access::token_string::{Kind, RANDOM_BYTES};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use proptest::prelude::*;

fn live(seed: u8) -> String {
    token_string::mint(Kind::Resource, [seed; RANDOM_BYTES])
}

fn taken(request: http::request::Builder) -> http::Request<()> {
    let mut request = request.body(()).unwrap();
    let taken = take(&mut request);
    taken.leave(&mut request);
    request
}

fn presented(request: &http::Request<()>) -> &Presented {
    request.extensions().get().unwrap()
}

#[test]
fn the_path_token_wins_over_dummy_basic_credentials() {
    let request = taken(
        http::Request::get(format!("/t/{}/acme/simple/", live(1)))
            .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode("dummy:dummy"))),
    );
    assert_eq!(presented(&request).carrier(), Carrier::Path);
    assert_eq!(presented(&request).credential(), Credential::Secret(SecretHash::of(&live(1))));
}

#[test]
fn a_token_with_a_wrong_checksum_is_garbage_and_never_passed_on() {
    let mut wrong = live(1);
    wrong.pop();
    let request = taken(http::Request::get(format!("/t/{wrong}/acme/x")));
    assert_eq!(presented(&request).credential(), Credential::Garbage);
    assert!(presented(&request).bearer().is_none());
    assert_eq!(presented(&taken(http::Request::get("/acme/x"))).credential(), Credential::None);
}

#[test]
fn a_token_astray_is_blotted_out() {
    let request = taken(http::Request::get(format!("/acme/t/{}/noarch/repodata.json", live(1))));
    assert_eq!(request.uri().path(), "/acme/t/-/noarch/repodata.json");
    assert!(presented(&request).astray());
}

#[test]
fn hosts_and_queries_survive() {
    let request =
        taken(http::Request::get(format!("/t/{}/acme/upload?force=true", live(1))).header(HOST, "api.here"));
    assert_eq!(request.uri().to_string(), "/api/acme/upload?force=true");
    let behind = taken(http::Request::get(format!("/repo/t/{}/acme/x", live(1))).header(HOST, "api.here"));
    assert_eq!((behind.uri().path(), presented(&behind).carrier()), ("/api/repo/acme/x", Carrier::Path));
    let request = taken(http::Request::get("http://pypi.here/acme/simple/"));
    assert_eq!(request.uri().path(), "/pypi/acme/simple/");
}

proptest! {
    #[test]
    fn nothing_printable_holds_the_token(seed in any::<u8>(), carrier in 0..7, mount in 0..5_usize) {
        let token = live(seed);
        let mount = ["", "/conda", "/pypi", "/api", "/api/repo"][mount];
        let plain = http::Request::get("/acme/noarch/repodata.json");
        let request = match carrier {
            0 => http::Request::get(format!("{mount}/t/{token}/acme/noarch/repodata.json")),
            1 => plain.header(AUTHORIZATION, format!("Bearer {token}")),
            2 => plain.header(AUTHORIZATION, format!("token {token}")),
            3 => plain.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{token}:x-auth-token")))),
            4 => plain.header("x-auth", &token),
            5 => plain.header("x-api-key", &token),
            _ => http::Request::get(format!("/acme/{token}/x")).header(REFERER, format!("http://h/t/{token}/acme")),
        };
        let request = taken(request);
        let printed = format!("{:?} {:?} {:?}", request.uri(), request.headers(), presented(&request));
        prop_assert!(!printed.contains(&token));
        let encoded = STANDARD.encode(format!("{token}:x-auth-token"));
        prop_assert!(!printed.contains(&encoded));
        prop_assert_eq!(presented(&request).bearer().is_some(), carrier < 6);
    }
}
