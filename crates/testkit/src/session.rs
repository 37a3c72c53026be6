//! A caller of the cluster: its address and a credential, sent as Bearer.

use anyhow::Context as _;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::package::File;

/// Somebody who asks, or nobody.
#[derive(Clone)]
pub struct Session {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the status is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer itself if it is a success, else an error that shows it.
    pub fn good(self) -> anyhow::Result<Self> {
        anyhow::ensure!(self.is_success(), "{}: {}", self.status, self.text());
        Ok(self)
    }
}

/// A token as it was issued.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Its id.
    pub id: String,
    /// Its string.
    pub token: String,
    /// Sequence of its issue.
    pub authz_seq: u64,
}

impl Session {
    /// A caller of this address; without a token it is nobody.
    pub fn new(base: &str, token: Option<&str>) -> Self {
        runtime::install_crypto();
        // Proxies of the machine are not for loopback.
        let http = reqwest::Client::builder().no_proxy().build().expect("the client has no bad setting");
        Self { http, base: base.trim_end_matches('/').to_owned(), token: token.map(str::to_owned) }
    }

    /// The same address with another credential.
    #[must_use]
    pub fn with(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same address without a credential.
    #[must_use]
    pub fn nobody(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The address, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The credential's string; empty for nobody.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A request with the credential.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await.context("no answer")?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await.context("half an answer")?.to_vec() })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST of a JSON document.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Signs in; the session is a caller of the same address.
    pub async fn sign_in(&self, login: &str, password: &str) -> anyhow::Result<Self> {
        let body = json!({ "login": login, "password": password, "note": "testkit" });
        let answer = self.nobody().post("/api/v1/session", &body).await?.good().context("signing in")?;
        let token = answer.json()["token"].as_str().map(str::to_owned);
        Ok(self.with(&token.context("the answer to signing in has no token")?))
    }

    /// Makes a channel.
    pub async fn create_channel(&self, name: &str, privacy: &str) -> anyhow::Result<Value> {
        let body = json!({ "name": name, "privacy": privacy });
        Ok(self.post("/api/v1/channels", &body).await?.good().context("making a channel")?.json())
    }

    /// Issues a token for some channels, each with a level.
    pub async fn issue_token(&self, name: &str, grants: &[(&str, &str)]) -> anyhow::Result<Issued> {
        let grants: Vec<Value> =
            grants.iter().map(|(channel, level)| json!({ "channel": channel, "level": level })).collect();
        let body = json!({ "name": name, "grants": grants });
        let issued = self.post("/api/v1/tokens", &body).await?.good().context("issuing a token")?.json();
        let text = |field: &str| issued[field].as_str().map(str::to_owned);
        Ok(Issued {
            id: text("id").context("the answer has no id")?,
            token: text("token").context("the answer has no token")?,
            authz_seq: issued["authz_seq"].as_u64().context("the answer has no authz_seq")?,
        })
    }

    /// Uploads a file by the form that its kind's own clients use most.
    pub async fn upload(&self, channel: &str, file: &File) -> anyhow::Result<Answer> {
        let conda = file.name.ends_with(".conda") || file.name.ends_with(".tar.bz2");
        let request = if conda {
            let path = format!("/api/channels/{channel}/upload/{}", file.name);
            self.request(Method::POST, &path).body(file.bytes.clone())
        } else {
            let filetype = if file.name.ends_with(".whl") { "bdist_wheel" } else { "sdist" };
            let content = reqwest::multipart::Part::bytes(file.bytes.clone()).file_name(file.name.clone());
            let form = reqwest::multipart::Form::new()
                .text(":action", "file_upload")
                .text("protocol_version", "1")
                .text("filetype", filetype)
                .part("content", content);
            self.request(Method::POST, &format!("/pypi/{channel}/")).multipart(form)
        };
        self.send(request).await
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.base)
    }
}
