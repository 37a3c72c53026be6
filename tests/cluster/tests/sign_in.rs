//! Signing in by browser, request by request, as a program and a browser make them.

#[path = "sign_in/browser.rs"]
mod browser;

use browser::{Browser, Page, form_of, wish, with};
use serde_json::{Value, json};
use testkit::{Cluster, Options, Session};

const PASSWORD: &str = "grace has a long password";

async fn grace(cluster: &Cluster) -> anyhow::Result<()> {
    let account = json!({ "login": "grace", "kind": "person", "password": PASSWORD });
    cluster.admin().post("/api/v1/accounts", &account).await?.good()?;
    Ok(())
}

/// A code for somebody who signs in as they should.
async fn code(browser: &Browser) -> anyhow::Result<String> {
    let page = browser.send(&vec![("login", "grace"), ("password", PASSWORD)], Some("same-origin")).await?;
    assert_eq!((page.status, page.sent_back("state")?.as_str()), (303, "some state"));
    page.sent_back("code")
}

async fn whoami(nobody: &Session, token: &str) -> anyhow::Result<(u16, Value)> {
    let answer = nobody.with(token).get("/api/v1/whoami").await?;
    Ok((answer.status, answer.json()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_one_session_for_one_code() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    grace(&cluster).await?;
    let browser = Browser::new(&cluster).await?;
    let nobody = cluster.admin().nobody();
    let code = self::code(&browser).await?;
    assert_eq!(whoami(&nobody, &code).await?.0, 401, "a code opens nothing by itself");

    let answer = browser.exchange(&code).await?;
    let session = answer.json();
    assert_eq!((answer.status, &session["token_type"]), (200, &json!("Bearer")), "{}", answer.text);
    assert_eq!(
        (&answer.headers["cache-control"], &answer.headers["pragma"]),
        (&"no-store".parse()?, &"no-cache".parse()?)
    );
    assert!((3500..=3600).contains(&session["expires_in"].as_i64().unwrap_or_default()), "{session}");
    let token = session["access_token"].as_str().unwrap_or_default();
    let (_, who) = whoami(&nobody, token).await?;
    assert_eq!(
        (&who["account"]["login"], &who["token"]["name"]),
        (&json!("grace"), &json!("browser sign-in"))
    );
    let made = nobody.with(token).post("/api/authentications", &json!({ "note": "made by it" })).await?;
    assert_eq!(made.status, 200, "{}", made.text());

    let again = browser.exchange(&code).await?;
    assert_eq!((again.status, &again.json()["error"]), (400, &json!("invalid_grant")), "{}", again.text);
    assert_eq!(whoami(&nobody, token).await?.0, 401, "a code that comes twice ends what it opened");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_ours_or_not_right_gives_no_code() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    grace(&cluster).await?;
    let browser = Browser::new(&cluster).await?;
    let right = vec![("login", "grace"), ("password", PASSWORD)];
    let wrong = browser.send(&with(&right, "password", "not the password"), None).await?;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("Login or password is wrong") && !wrong.text.contains("not the password"));
    assert!(wrong.text.contains("value=\"grace\""), "the login need not be typed again: {}", wrong.text);
    let elsewhere = browser.send(&right, Some("cross-site")).await?;
    let forged = browser.send(&with(&right, "form_token", "00000000000000000000000000000000"), None).await?;
    let bare =
        Page::of(form_of(&browser.http, &browser.authorize, &[wish(), right.clone()].concat())).await?;
    for page in [elsewhere, forged, bare] {
        assert_eq!(page.status, 400, "{}", page.text);
        assert!(!page.headers.contains_key("location"));
    }
    let cancelled = browser.send(&with(&right, "answer", "cancel"), None).await?;
    assert_eq!(cancelled.sent_back("error")?, "access_denied");
    cluster.admin().post("/api/v1/accounts/grace/disable", &json!({})).await?.good()?;
    assert_eq!(browser.send(&right, None).await?.status, 403);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_another_computer_and_the_page_is_closed_to_others() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let browser = Browser::new(&cluster).await?;
    for elsewhere in ["https://evil.example/", "http://127.0.0.1.evil.example/", "http://localhost:8000/", ""]
    {
        let page = browser.open(&with(&wish(), "redirect_uri", elsewhere)).await?;
        assert_eq!((page.status, page.headers.contains_key("location")), (400, false), "{elsewhere}");
    }
    let told = browser.open(&with(&wish(), "code_challenge_method", "plain")).await?;
    assert_eq!(
        (told.sent_back("error")?.as_str(), told.sent_back("state")?.as_str()),
        ("invalid_request", "some state")
    );

    let page = browser.open(&wish()).await?;
    let header = |name: &str| page.headers[name].to_str().unwrap_or_default().to_owned();
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "form-action 'self' http://127.0.0.1:8000;", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cache-control"), "no-store");
    let cookie = header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!page.text.contains("<script"));

    let secure = browser.http.get(&browser.authorize).query(&wish()).header("x-forwarded-proto", "https");
    let cookie = Page::of(secure).await?.headers["set-cookie"].to_str()?.to_owned();
    assert!(cookie.starts_with("__Host-") && cookie.contains("Secure"), "{cookie}");
    let padding = "x".repeat(16 * 1024);
    let large = [("padding", padding.as_str())];
    for address in [&browser.authorize, &browser.token] {
        assert_eq!(Page::of(form_of(&browser.http, address, &large)).await?.status, 413);
    }
    cluster.stop().await
}
