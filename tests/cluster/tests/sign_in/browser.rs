//! A browser without a window, and the program that opened it.

use anyhow::Context as _;
use reqwest::header::{COOKIE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::Value;
use testkit::Cluster;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PROGRAM: &str = "http://127.0.0.1:8000/auth/oidc";

pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

pub(crate) fn wish() -> Pairs<'static> {
    vec![
        ("response_type", "code"),
        ("client_id", "a program"),
        ("redirect_uri", PROGRAM),
        ("state", "some state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "openid email profile offline_access"),
    ]
}

pub(crate) fn with<'a>(pairs: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Pairs<'a> {
    let kept = pairs.iter().filter(|(of, _)| *of != name).copied();
    kept.chain([(name, value)]).collect()
}

pub(crate) fn form_of(http: &Client, address: &str, pairs: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    http.post(address).header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// A browser without a window: it goes nowhere by itself, and keeps one cookie.
pub(crate) struct Browser {
    pub(crate) http: Client,
    pub(crate) authorize: String,
    pub(crate) token: String,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> anyhow::Result<Self> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// One parameter of the address that the browser is sent to.
    pub(crate) fn sent_back(&self, name: &str) -> anyhow::Result<String> {
        let location =
            self.headers.get("location").with_context(|| format!("{}: {}", self.status, self.text))?;
        let location = Url::parse(location.to_str()?)?;
        anyhow::ensure!(location.as_str().starts_with(PROGRAM), "{location}");
        let found = location.query_pairs().find(|(of, _)| of == name);
        Ok(found.with_context(|| format!("no {name} in {location}"))?.1.into_owned())
    }
}

impl Browser {
    pub(crate) async fn new(cluster: &Cluster) -> anyhow::Result<Self> {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        let found = cluster.admin().nobody().get("/.well-known/openid-configuration").await?.good()?.json();
        assert_eq!(found["issuer"], cluster.http());
        let address = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        Ok(Self { authorize: address("authorization_endpoint"), token: address("token_endpoint"), http })
    }

    pub(crate) async fn open(&self, wish: &Pairs<'_>) -> anyhow::Result<Page> {
        Page::of(self.http.get(&self.authorize).query(wish)).await
    }

    /// Opens the page and sends what is filled in, with these changes.
    pub(crate) async fn send(&self, filled: &Pairs<'_>, fetched_from: Option<&str>) -> anyhow::Result<Page> {
        let page = self.open(&wish()).await?;
        let cookie = page.headers["set-cookie"].to_str()?.split(';').next().unwrap_or_default().to_owned();
        let form_token = cookie.split('=').nth(1).unwrap_or_default().to_owned();
        anyhow::ensure!(page.text.contains(&form_token), "the form holds what the cookie holds");
        let mut form = with(&wish(), "form_token", &form_token);
        for (name, value) in filled {
            form = with(&form, name, value);
        }
        let mut request = form_of(&self.http, &self.authorize, &form).header(COOKIE, &cookie);
        if let Some(site) = fetched_from {
            request = request.header("sec-fetch-site", site);
        }
        Page::of(request).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> anyhow::Result<Page> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "a program"),
            ("code", code),
            ("redirect_uri", PROGRAM),
            ("code_verifier", VERIFIER),
        ];
        Page::of(form_of(&self.http, &self.token, &form)).await
    }
}
