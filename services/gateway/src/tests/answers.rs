//! Answers that need nothing behind the gateway.

use axum::body::Body;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, RANGE, VARY};
use http::{Request, StatusCode};

use super::table::Caller;
use super::{Gateway, facts, text};

#[tokio::test]
async fn what_is_away_is_503_and_never_an_empty_index() {
    let gateway = Gateway::new().await;
    for path in [
        "/public/noarch/repodata.json",
        "/public/channeldata.json",
        "/pypi/public/simple/",
        "/api/v1/channels",
    ] {
        let response = gateway.get(path).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key("retry-after"), "{path}");
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_know_access_says_503_to_all() {
    let gateway = Gateway::new().await;
    let view = feed::client::AccessView::new(Default::default());
    assert!(!view.ready());
    assert_eq!(gateway.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(gateway.get("/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn notices_are_conditional_and_vary() {
    let gateway = Gateway::new().await;
    let response = gateway.get("/public/notices.json").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=0, must-revalidate");
    assert_eq!(response.headers()[VARY], "Accept, Accept-Encoding, Authorization, X-Auth, X-API-Key");
    let etag = response.headers()[ETAG].clone();

    let token = facts::string(Caller::Reader).unwrap();
    let again = Request::get(format!("/conda/t/{token}/private/label/main/notices.json"))
        .header(IF_NONE_MATCH, &etag);
    let response = gateway.send(again.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(response.headers()[ETAG], etag);
    assert_eq!(response.headers()[CACHE_CONTROL], "private, max-age=0, must-revalidate");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
}

#[tokio::test]
async fn a_304_is_decided_after_authorisation() {
    let gateway = Gateway::new().await;
    let etag = gateway.get("/public/notices.json").await.headers()[ETAG].clone();
    let request =
        Request::get("/private/notices.json").header(IF_NONE_MATCH, etag).body(Body::empty()).unwrap();
    assert_eq!(gateway.send(request).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn heads_and_ranges_are_served_everywhere() {
    let gateway = Gateway::new().await;
    let whole = text(gateway.get("/public/notices.json").await).await;
    let head = gateway.send(Request::head("/public/notices.json").body(Body::empty()).unwrap()).await;
    assert_eq!(head.headers()["content-length"], whole.len().to_string());
    assert_eq!(text(head).await, "");
    let range = Request::get("/public/notices.json").header(RANGE, "bytes=-4").body(Body::empty()).unwrap();
    let part = gateway.send(range).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(text(part).await, whole[whole.len() - 4..]);
    let beyond =
        Request::get("/public/notices.json").header(RANGE, "bytes=9999-").body(Body::empty()).unwrap();
    let beyond = gateway.send(beyond).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()["content-range"], format!("bytes */{}", whole.len()));
}

#[tokio::test]
async fn hosts_stand_for_mounts() {
    let gateway = Gateway::new().await;
    let token = facts::string(Caller::Reader).unwrap();
    for (host, path) in [
        ("conda.latchkey.test", "/private/notices.json"),
        ("conda.latchkey.test", "/conda/private/notices.json"),
        ("api.latchkey.test:8080", "/repo/private/notices.json"),
    ] {
        let request =
            Request::get(format!("/t/{token}{path}")).header("host", host).body(Body::empty()).unwrap();
        assert_eq!(gateway.send(request).await.status(), StatusCode::OK, "{host}{path}");
    }
    let request = Request::get(format!("/t/{token}/private")).header("host", "pypi.latchkey.test");
    let response = gateway.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (response.status(), &response.headers()["location"]),
        (StatusCode::MOVED_PERMANENTLY, &"private/".parse().unwrap())
    );
}

#[tokio::test]
async fn what_conda_token_set_asks_is_open_to_good_tokens_only() {
    let gateway = Gateway::new().await;
    let ask = async |token: &str, channel: &str| {
        let at = format!("/t/{token}/repo/{channel}/notices.json");
        gateway.send(Request::head(at).body(Body::empty()).unwrap()).await.status()
    };
    let good = facts::string(Caller::Reader).unwrap();
    for channel in ["public", "private"] {
        assert_eq!(ask(&good, channel).await, StatusCode::OK);
        for caller in [Caller::Garbage, Caller::Unknown, Caller::Expired, Caller::Revoked, Caller::Disabled] {
            let status = ask(&facts::string(caller).unwrap(), channel).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{caller:?} {channel}");
        }
        let without = gateway.get(&format!("/repo/{channel}/notices.json")).await;
        assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(&good, "missing").await, StatusCode::UNAUTHORIZED);
    let behind = gateway.get(&format!("/repo/t/{good}/private/notices.json")).await;
    assert_eq!(behind.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_password_opens_nothing_but_the_sign_in_and_is_never_repeated() {
    let gateway = Gateway::new().await;
    let send = async |method: &str, path: &str, body: &'static str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", "Basic YW5uYTpodW50ZXIyaHVudGVyMg==");
        let response = gateway.send(request.body(Body::from(body)).unwrap()).await;
        let (status, text) = (response.status(), text(response).await);
        assert!(!text.contains("hunter2") && !text.contains("anna"), "{text}");
        status.as_u16()
    };
    assert_eq!(send("GET", "/api/user", "").await, 401);
    assert_eq!(send("GET", "/private/notices.json", "").await, 401);
    assert_eq!(send("POST", "/api/authentications", "{}").await, 400);
    // The sign-in has passed the gate and finds auth away.
    assert_eq!(send("POST", "/api/authentications", r#"{"note":"n"}"#).await, 503);
    let request = Request::post("/api/authentications").body(Body::from(r#"{"note":"n"}"#)).unwrap();
    assert_eq!(gateway.send(request).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn clients_of_anaconda_repository_find_the_server_and_its_scopes_without_a_credential() {
    let gateway = Gateway::new().await;
    for path in ["/api", "/api/"] {
        let head = gateway.send(Request::head(path).body(Body::empty()).unwrap()).await;
        assert_eq!(head.status(), StatusCode::OK, "{path}");
    }
    let kind = text(gateway.get("/api/authentication-type").await).await;
    assert_eq!(kind, r#"{"authentication_type":"password"}"#);
    let scopes: serde_json::Value =
        serde_json::from_str(&text(gateway.get("/api/scopes").await).await).unwrap();
    assert_eq!(scopes.as_object().unwrap().len(), 11);
    assert_eq!(scopes["conda:download"], "index and files on conda paths");
}

#[tokio::test]
async fn unknown_places_are_404_only_after_authorisation() {
    let gateway = Gateway::new().await;
    let token = facts::string(Caller::Reader).unwrap();
    for path in [
        "/private/no-such-subdir/repodata.json",
        "/private/label/1-is-no-label/noarch/repodata.json",
        "/private/repodata_shards.msgpack.zst/linux-64",
        "/private/noarch/current_repodata.json",
        "/pypi/private/a/b/c/",
        "/pypi/private/label/1-is-no-label/simple/",
    ] {
        assert_eq!(gateway.get(path).await.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(gateway.get(&format!("/t/{token}{path}")).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/conda/private/x", "/api/v1/nothing", "/api/x/y", "/a/b/c/d/e/f", "/private"] {
        assert_eq!(gateway.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn python_pages_move_to_their_normal_address_and_keep_the_token() {
    let gateway = Gateway::new().await;
    let token = facts::string(Caller::Reader).unwrap();
    for (path, to) in [
        ("/pypi/private", "private/"),
        ("/pypi/private/simple", "simple/"),
        ("/pypi/private/simple/Leaf_Pkg", "leaf-pkg/"),
        ("/pypi/private/%2Bsimple/Leaf_Pkg/", "../leaf-pkg/"),
        ("/pypi/private/leaf/leaf", "leaf/"),
    ] {
        let response = gateway.get(&format!("/t/{token}{path}")).await;
        assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY, "{path}");
        assert_eq!(response.headers()["location"], to, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_a_stray_token_400() {
    let gateway = Gateway::new().await;
    let request = Request::delete("/public/noarch/repodata.json").body(Body::empty()).unwrap();
    assert_eq!(gateway.send(request).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let token = facts::string(Caller::Reader).unwrap();
    let response = gateway.get(&format!("/private/{token}/repodata.json")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!text(response).await.contains(&token));
}

#[tokio::test]
async fn a_token_that_dies_is_refused_from_the_next_request_on() {
    let gateway = Gateway::new().await;
    let token = facts::string(Caller::Reader).unwrap();
    let path = format!("/t/{token}/private/notices.json");
    assert_eq!(gateway.get(&path).await.status(), StatusCode::OK);
    facts::revoke(&gateway.app.view, Caller::Reader);
    assert_eq!(gateway.get(&path).await.status(), StatusCode::UNAUTHORIZED);
    let other = format!("/t/{}/private/notices.json", facts::string(Caller::Writer).unwrap());
    assert_eq!(gateway.get(&other).await.status(), StatusCode::OK);
    gateway.move_to(facts::NOW + facts::LIFE);
    assert_eq!(gateway.get(&other).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_ends_soon_says_so_beside_every_good_answer() {
    let gateway = Gateway::new().await;
    let token = facts::string(Caller::Reader).unwrap();
    let path = format!("/t/{token}/private/notices.json");
    let fortnight = time::Duration::days(14);
    gateway.move_to(facts::NOW + facts::LIFE - fortnight - time::Duration::SECOND);
    assert!(!gateway.get(&path).await.headers().contains_key("conda-token-warning"));
    gateway.move_to(facts::NOW + facts::LIFE - fortnight);
    let warned = gateway.get(&path).await;
    assert_eq!(warned.status(), StatusCode::OK);
    let words = warned.headers()["conda-token-warning"].to_str().unwrap();
    assert!(words.contains("ends at 2026-12-21T23:00:00Z"), "{words}");
    assert!(!words.contains(&token));
    // A session ends soon by its nature.
    let session = format!("/t/{}/private/notices.json", facts::string(Caller::Owner).unwrap());
    assert!(!gateway.get(&session).await.headers().contains_key("conda-token-warning"));
}

#[tokio::test]
async fn the_older_string_of_a_reissued_token_says_when_it_ends_and_ends_then() {
    let gateway = Gateway::new().await;
    let (older, newer) = (facts::string(Caller::Reader).unwrap(), facts::string(Caller::Unknown).unwrap());
    let ask = async |token: &str| gateway.get(&format!("/t/{token}/private/notices.json")).await;
    let overlap = time::Duration::hours(1);
    facts::reissue(&gateway.app.view, Caller::Reader, &newer, facts::NOW + overlap);
    let warned = ask(&older).await;
    assert_eq!(warned.status(), StatusCode::OK);
    let words = warned.headers()["conda-token-warning"].to_str().unwrap();
    assert!(words.contains("reissued") && words.contains("2026-11-22T00:00:00Z"), "{words}");
    assert!(!ask(&newer).await.headers().contains_key("conda-token-warning"));
    gateway.move_to(facts::NOW + overlap);
    assert_eq!(ask(&older).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&newer).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_put_off_whatever_it_shows() {
    let gateway = Gateway::new().await;
    let ask = async |address: &str, path: &str| {
        let mut request = Request::get(path).header("x-forwarded-for", address).body(Body::empty()).unwrap();
        request.extensions_mut().insert(crate::address::Peer("127.0.0.1:1".parse().unwrap()));
        gateway.send(request).await
    };
    let good = format!("/t/{}/private/notices.json", facts::string(Caller::Reader).unwrap());
    let dead = format!("/t/{}/private/notices.json", facts::string(Caller::Revoked).unwrap());
    while ask("192.0.2.1", &dead).await.status() != StatusCode::TOO_MANY_REQUESTS {}
    let put_off = ask("192.0.2.1", &good).await;
    assert_eq!(put_off.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(put_off.headers().contains_key("retry-after"));
    assert_eq!(ask("192.0.2.1", "/public/notices.json").await.status(), StatusCode::OK);
    assert_eq!(ask("192.0.2.2", &good).await.status(), StatusCode::OK);
    gateway.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(ask("192.0.2.1", &good).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_whose_dead_strings_are_shown_too_often_is_put_off_wherever_they_come_from() {
    let gateway = Gateway::new().await;
    let ask = async |number: u16, token: &str| {
        let [high, low] = number.to_be_bytes();
        let path = format!("/t/{token}/private/notices.json");
        let from = format!("198.18.{high}.{low}");
        let mut request = Request::get(path).header("x-forwarded-for", from).body(Body::empty()).unwrap();
        request.extensions_mut().insert(crate::address::Peer("127.0.0.1:1".parse().unwrap()));
        gateway.send(request).await
    };
    let string = |caller| facts::string(caller).unwrap();
    let (older, newer) = (string(Caller::Reader), string(Caller::Unknown));
    facts::reissue(&gateway.app.view, Caller::Reader, &newer, facts::NOW);
    let answers = async |token: &str| {
        for number in 0..crate::failures::BURST {
            let refused = ask(u16::try_from(number).unwrap(), token).await;
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{number}");
        }
        ask(1000, token).await
    };
    for token in [&older, &string(Caller::Revoked), &string(Caller::Expired), &string(Caller::Disabled)] {
        let put_off = answers(token).await;
        assert_eq!(put_off.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(put_off.headers()["retry-after"], "1");
        let words = text(put_off).await;
        assert!(words.contains("dead strings") && !words.contains(token), "{words}");
    }
    assert_eq!(ask(1000, &newer).await.status(), StatusCode::OK, "a good string pays for nobody else's");
    gateway.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(ask(1000, &older).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_address_that_is_no_text_is_400() {
    let gateway = Gateway::new().await;
    let response = gateway.get("/%FF/noarch/repodata.json").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_download_breaks_off_when_its_token_dies() {
    use futures::StreamExt;
    let gateway = Gateway::new().await;
    let path = format!("/t/{}/private/notices.json", facts::string(Caller::Reader).unwrap());
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    let presented = crate::caller::take(&mut request).presented;
    let admitted = crate::gate::Admitted::for_test(&gateway.app, presented, "private");
    let chunk = bytes::Bytes::from(vec![0; 3 << 20]);
    let chunks = futures::stream::iter(vec![Ok(chunk.clone()), Ok(chunk.clone()), Ok(chunk)]);
    let mut body =
        Box::pin(crate::file::guarded(&gateway.app, &admitted, crate::gate::Sent::Document, chunks));
    assert!(body.next().await.unwrap().is_ok());
    assert!(body.next().await.unwrap().is_ok(), "access is looked at after four mebibytes, and still there");
    facts::revoke(&gateway.app.view, Caller::Reader);
    gateway.clock.advance(std::time::Duration::from_secs(1));
    assert!(body.next().await.unwrap().is_err());
}
