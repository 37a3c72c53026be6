//! The server as a command sees it: requests with the credential in use, answers as JSON or as a failure.

use std::path::Path;

use reqwest::{Method, RequestBuilder, Response, Url};
use runtime::Secret;
use serde_json::Value;

use crate::args::Global;
use crate::failed::{Exit, Failed};
use crate::output;
use crate::session;

const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Most pages that a list is followed through; a server that never ends its list is broken.
const PAGES_MAX: usize = 10_000;

/// One server, one credential.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<Secret>,
}

impl Client {
    /// From options and environment, else from what `login` noted.
    pub(crate) fn open(global: &Global) -> Result<Self, Failed> {
        let noted = match session::path(global) {
            Ok(path) => session::read(&path)?,
            Err(_) if global.token.is_some() => None,
            Err(failed) => return Err(failed),
        };
        let given = global.token.clone().filter(|token| !token.expose().is_empty());
        let base = parse(global.url.as_deref().or(noted.as_ref().map(|s| s.url.as_str())))?;
        // The noted session is sent only to the server that gave it.
        let noted = noted.filter(|s| parse(Some(&s.url)).is_ok_and(|url| url == base));
        let noted_ca = noted.as_ref().and_then(|session| session.ca.clone());
        let token = given.or(noted.map(|s| Secret::new(s.token)));
        Self::new(base, token, global.ca.as_deref().or(noted_ca.as_deref()))
    }

    /// `ca` is the one certificate authority to trust, in place of the system's.
    pub(crate) fn new(base: Url, token: Option<Secret>, ca: Option<&Path>) -> Result<Self, Failed> {
        let builder = reqwest::Client::builder().user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")));
        let builder = match ca {
            Some(ca) => builder.tls_certs_only(trusted(ca)?),
            None => builder,
        };
        let http = builder
            .build()
            .map_err(|error| Failed::new(Exit::Other, format!("the HTTP client does not start: {error}")))?;
        Ok(Self { http, base, token })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.base
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A request to the path made of these segments, each escaped.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    pub(crate) fn api(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.request(method, &[&["api", "v1"], segments].concat())
    }

    /// Sends it; any status but a success is a failure in the server's words.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failed> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let problem = response.bytes().await.ok().and_then(|body| serde_json::from_slice(&body).ok());
        Err(Failed::answered(status.as_u16(), problem, id.as_deref()))
    }

    /// Sends it and reads the document it is answered with; null for an empty body.
    pub(crate) async fn json(&self, request: RequestBuilder) -> Result<Value, Failed> {
        let body = self.send(request).await?.bytes().await.map_err(|error| self.unreachable(&error))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| {
            Failed::new(Exit::Other, format!("what answers at {} is no Latchkey", self.base))
                .hint("check LATCHKEY_URL")
        })
    }

    pub(crate) async fn get(&self, segments: &[&str]) -> Result<Value, Failed> {
        self.json(self.api(Method::GET, segments)).await
    }

    /// All pages of a list.
    pub(crate) async fn all(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        field: &str,
    ) -> Result<Vec<Value>, Failed> {
        let mut entries = Vec::new();
        let mut page_token = String::new();
        for _ in 0..PAGES_MAX {
            let mut request = self.api(Method::GET, segments).query(query);
            if !page_token.is_empty() {
                request = request.query(&[("page_token", &page_token)]);
            }
            let page = self.json(request).await?;
            entries.extend_from_slice(output::list(&page, field));
            page_token = output::text(&page, "next_page_token");
            if page_token.is_empty() {
                return Ok(entries);
            }
        }
        Err(Failed::new(Exit::Other, "the server's list does not end"))
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failed {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let cause = cause.to_string();
        let failed = Failed::new(Exit::Unavailable, format!("{} does not answer: {cause}", self.base));
        if cause.contains("certificate") {
            return failed.hint(
                "if it has a certificate authority of its own, say which: LATCHKEY_CA=FILE, or --ca FILE \
                 (`latchkey up --tls` writes it to tls/ca.pem in its data folder)",
            );
        }
        failed.hint("is it running? start one with `./up`, or say where it is with LATCHKEY_URL")
    }
}

/// The certificates in a PEM file.
fn trusted(ca: &Path) -> Result<Vec<reqwest::Certificate>, Failed> {
    let bytes =
        std::fs::read(ca).map_err(|error| Failed::io(format_args!("reading {}", ca.display()), &error))?;
    match reqwest::Certificate::from_pem_bundle(&bytes) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Failed::usage(format_args!("{} holds no certificate in PEM", ca.display()))),
    }
}

/// Reads an address; without one it is the one that `up` listens on by default.
pub(crate) fn parse(url: Option<&str>) -> Result<Url, Failed> {
    let text = url.filter(|text| !text.is_empty()).unwrap_or(DEFAULT_URL);
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) | Err(_) => {
            Err(Failed::usage(format_args!("{text:?} is no address of a server: write http://HOST[:PORT]")))
        }
    }
}
