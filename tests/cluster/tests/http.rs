//! HTTP as clients see it: conditions, ranges, hosts, both versions, and uploads that are wrong in some way.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::package::{Conda, File, wheel};
use testkit::{Answer, Cluster, Options, Session};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Every index document of a subdir or channel that is not empty here.
const DOCUMENTS: [&str; 11] = [
    "/acme/noarch/repodata.json",
    "/acme/noarch/repodata.json.zst",
    "/acme/noarch/repodata_shards.msgpack.zst",
    "/acme/noarch/run_exports.json",
    "/acme/noarch/run_exports.json.zst",
    "/acme/channeldata.json",
    "/acme/notices.json",
    "/acme/win-64/repodata.json",
    "/acme/label/main/noarch/repodata.json",
    "/pypi/acme/simple/",
    "/pypi/acme/simple/tiny/",
];

async fn filled(cluster: &Cluster) -> anyhow::Result<Session> {
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;
    ada.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    ada.upload("acme", &wheel("tiny", "1.0")).await?.good()?;
    Ok(ada)
}

/// Sends bytes as they are, perhaps hangs up after them, and reads whatever comes.
async fn raw(session: &Session, bytes: &[u8], hang_up: bool) -> anyhow::Result<String> {
    let address = session.base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await?;
    // The server may answer and close before it has read everything.
    stream.write_all(bytes).await.ok();
    if hang_up {
        stream.shutdown().await.ok();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn files(session: &Session) -> anyhow::Result<Vec<String>> {
    let listed = session.get("/api/v1/channels/acme/artifacts").await?.good()?.json();
    let artifacts = listed["artifacts"].as_array().into_iter().flatten();
    Ok(artifacts.filter_map(|artifact| artifact["filename"].as_str().map(str::to_owned)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_is_conditional_has_a_head_and_ranges() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    for path in DOCUMENTS {
        let whole = ada.get(path).await?.good()?;
        let etag = whole.headers["etag"].clone();
        assert!(!etag.to_str()?.starts_with("W/"), "{path}");
        assert_eq!(whole.headers["cache-control"], "private, max-age=0, must-revalidate", "{path}");
        let same = ada.send(ada.request(Method::GET, path).header("if-none-match", &etag)).await?;
        assert_eq!((same.status, &same.headers["etag"], same.body.len()), (304, &etag, 0), "{path}");
        let head = ada.send(ada.request(Method::HEAD, path)).await?;
        assert_eq!((head.status, &head.headers["etag"]), (200, &etag), "{path}");
        assert_eq!(head.headers["content-length"], whole.body.len().to_string(), "{path}");
        let tail = ada.send(ada.request(Method::GET, path).header("range", "bytes=-5")).await?;
        assert_eq!((tail.status, &tail.body[..]), (206, &whole.body[whole.body.len() - 5..]), "{path}");
    }
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_in_ranges_and_forever() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let file = Conda::new("tiny", "1.0").conda();
    let path = format!("/acme/noarch/{}", file.name);
    let ask = async |headers: &[(&str, &str)]| {
        let request = ada.request(Method::GET, &path);
        ada.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let whole = ask(&[]).await?.good()?;
    assert_eq!(whole.body, file.bytes);
    assert_eq!(whole.headers["cache-control"], "private, max-age=31536000, immutable");
    let etag = whole.headers["etag"].to_str()?.to_owned();
    // rattler: the last 64 KiB of a smaller file, then the beginning of the same version.
    let all = ask(&[("range", "bytes=-65536")]).await?;
    assert_eq!((all.status, &all.body), (206, &file.bytes));
    let begin = ask(&[("range", "bytes=0-9"), ("if-range", &etag)]).await?;
    assert_eq!((begin.status, &begin.body[..]), (206, &file.bytes[..10]));
    let other = ask(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await?;
    assert_eq!((other.status, other.body.len()), (200, file.bytes.len()));
    let beyond = ask(&[("range", "bytes=99999999-")]).await?;
    assert_eq!(
        (beyond.status, &beyond.headers["content-range"]),
        (416, &format!("bytes */{}", file.bytes.len()).parse()?)
    );
    assert_eq!(ask(&[("if-none-match", &etag)]).await?.status, 304);
    let missing = ada.get("/acme/noarch/absent-1.0-0.conda").await?;
    assert_eq!(missing.status, 404, "{}", missing.text());
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plus_in_a_file_name_is_one_in_both_spellings() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let file = wheel("torch", "2.1+cu118");
    ada.upload("acme", &file).await?.good()?;
    for spelling in [file.name.clone(), file.name.replace('+', "%2B")] {
        for suffix in ["", ".metadata"] {
            let path = format!("/pypi/acme/simple/torch/{spelling}{suffix}");
            ada.get(&path).await?.good()?;
        }
    }
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_mounts_and_http_2_lead_to_the_same() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let token = ada.token().to_owned();
    let wanted = ada.get("/acme/noarch/repodata.json").await?.good()?.body;
    let http2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build()?;
    for (host, path) in [
        ("conda.latchkey.test", format!("/t/{token}/acme/noarch/repodata.json")),
        ("conda.latchkey.test", format!("/t/{token}/acme/label/main/noarch/repodata.json")),
        ("api.latchkey.test", format!("/repo/t/{token}/acme/noarch/repodata.json")),
        ("latchkey.test", format!("/conda/t/{token}/acme/noarch/repodata.json")),
        ("latchkey.test", format!("/api/repo/t/{token}//acme/noarch/repodata.json")),
    ] {
        let nobody = ada.nobody();
        let answer = nobody.send(nobody.request(Method::GET, &path).header("host", host)).await?.good()?;
        assert_eq!(answer.body, wanted, "{host}{path}");
        let answer = http2.get(format!("{}{path}", ada.base())).send().await?;
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    }
    let pypi = ada.nobody();
    let path = format!("/t/{token}/acme/tiny/tiny/");
    let page = pypi
        .send(pypi.request(Method::GET, &path).header("host", "pypi.latchkey.test:8080"))
        .await?
        .good()?;
    assert!(page.text().contains("tiny-1.0-py3-none-any.whl"));
    cluster.stop().await
}

/// The forms of upload for one conda file, each with a query.
fn conda_uploads(session: &Session, file: &File, query: &str) -> Vec<reqwest::RequestBuilder> {
    let part = reqwest::multipart::Part::bytes(file.bytes.clone()).file_name(file.name.clone());
    let form = reqwest::multipart::Form::new().part("file", part);
    vec![
        session.request(Method::PUT, &format!("/acme/noarch/{}?{query}", file.name)).body(file.bytes.clone()),
        session
            .request(Method::POST, &format!("/api/channels/acme/upload/{}?{query}", file.name))
            .body(file.bytes.clone()),
        session.request(Method::POST, &format!("/api/v1/upload/acme?{query}")).multipart(form),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_is_success_and_another_under_its_name_a_conflict() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let file = Conda::new("tiny", "1.0").conda();
    for request in conda_uploads(&ada, &file, "force=false") {
        let again = ada.send(request).await?;
        assert_eq!((again.status, &again.json()["created"]), (200, &json!(false)), "{}", again.text());
    }
    let other = File { bytes: Conda::new("tiny", "1.0").needs("zlib").conda().bytes, ..file };
    for request in conda_uploads(&ada, &other, "force=false") {
        let refused = ada.send(request).await?;
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert!(refused.json()["detail"].as_str().unwrap_or_default().starts_with("File already exists"));
    }
    let head = format!(
        "PUT /t/{}/acme/noarch/{} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        ada.token(),
        other.name,
        other.bytes.len()
    );
    let answer = raw(&ada, &[head.as_bytes(), &other.bytes].concat(), false).await?;
    assert!(answer.starts_with("HTTP/1.1 409 File already exists"), "{answer}");
    for request in conda_uploads(&ada, &other, "force=true").into_iter().take(1) {
        assert_eq!(ada.send(request).await?.good()?.json()["created"], true);
    }
    let now = ada.get(&format!("/acme/noarch/{}", other.name)).await?.good()?;
    assert_eq!(now.body, other.bytes, "the next read shows what was forced");
    cluster.stop().await
}

fn form(parts: &[(&'static str, &str)], content: Option<&File>) -> reqwest::multipart::Form {
    let form = parts
        .iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(*name, (*value).to_owned()));
    match content {
        None => form,
        Some(file) => {
            let part = reqwest::multipart::Part::bytes(file.bytes.clone()).file_name(file.name.clone());
            form.part("content", part)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_forms_and_digests_are_refused_with_their_reason_and_leave_nothing() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let file = wheel("leaf", "1.0");
    let action = (":action", "file_upload");
    let zeros = "0".repeat(64);
    let post = || ada.request(Method::POST, "/pypi/acme/");
    let wrong: Vec<(u16, &str, reqwest::RequestBuilder)> = vec![
        (415, "multipart", post().header("content-type", "application/zip").body(file.bytes.clone())),
        (415, "multipart", post().body(file.bytes.clone())),
        (400, ":action", post().multipart(form(&[], Some(&file)))),
        (400, ":action", post().multipart(form(&[(":action", "submit")], Some(&file)))),
        (400, "no file", post().multipart(form(&[action], None))),
        (400, "SHA-256", post().multipart(form(&[action, ("sha256_digest", &zeros)], Some(&file)))),
        (400, "MD5", post().multipart(form(&[action, ("md5_digest", &zeros[..32])], Some(&file)))),
        (400, "BLAKE2", post().multipart(form(&[action, ("blake2_256_digest", &zeros)], Some(&file)))),
        (400, "digest", post().multipart(form(&[action, ("sha256_digest", "nonsense")], Some(&file)))),
        (400, "name", post().multipart(form(&[action, ("name", "other")], Some(&file)))),
        (413, "too long", post().multipart(form(&[action, ("name", &"x".repeat(5000))], Some(&file)))),
        (
            404,
            "channel itself",
            ada.request(Method::POST, "/pypi/acme/leaf/").multipart(form(&[action], Some(&file))),
        ),
        (
            400,
            "empty",
            post().multipart(form(&[action], Some(&File { name: file.name.clone(), bytes: vec![] }))),
        ),
        (
            400,
            "name is not",
            post().multipart(form(&[action], Some(&File { name: ".whl".into(), ..file.clone() }))),
        ),
        (
            400,
            "SHA-256",
            ada.request(Method::PUT, "/acme/noarch/leaf-1.0-0.conda")
                .header("x-checksum-sha256", &zeros)
                .body(Conda::new("leaf", "1.0").conda().bytes),
        ),
        (
            400,
            "SHA-256",
            ada.request(Method::POST, &format!("/api/channels/acme/upload/leaf-1.0-0.conda?sha256={zeros}"))
                .body(Conda::new("leaf", "1.0").conda().bytes),
        ),
        (
            400,
            "subdir",
            ada.request(Method::PUT, "/acme/nowhere/leaf-1.0-0.conda")
                .body(Conda::new("leaf", "1.0").conda().bytes),
        ),
    ];
    for (status, reason, request) in wrong {
        let refused = ada.send(request).await?;
        assert_eq!(refused.status, status, "{reason}: {}", refused.text());
        assert!(
            refused.json()["detail"].as_str().unwrap_or_default().contains(reason),
            "{reason}: {}",
            refused.text()
        );
    }
    // Unknown fields are let pass: clients keep adding some.
    let odd =
        form(&[action, ("attestations", "[]"), ("classifiers", "a"), ("classifiers", "b")], Some(&file));
    assert_eq!(files(&ada).await?.len(), 2);
    ada.send(post().multipart(odd)).await?.good()?;
    assert_eq!(files(&ada).await?.len(), 3);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn half_bodies_are_refused_and_leave_nothing() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let token = ada.token();
    let line = |path: &str| {
        format!("{path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\nauthorization: Bearer {token}\r\n")
    };
    for head in [
        format!("{}content-length: 1000\r\n\r\nhalf", line("PUT /acme/noarch/leaf-1.0-0.conda")),
        format!(
            "{}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            line("PUT /acme/noarch/leaf-1.0-0.conda")
        ),
        format!(
            "{}content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000\r\n\r\n--b\r\n\
             content-disposition: form-data; name=\"content\"; filename=\"leaf-1.0-py3-none-any.whl\"\r\n\r\nhalf",
            line("POST /pypi/acme/")
        ),
    ] {
        let answer = raw(&ada, head.as_bytes(), true).await?;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    // A form that ends properly without its last boundary is whole as HTTP and half as a form.
    let half = "--b\r\ncontent-disposition: form-data; name=\"content\"; filename=\"a-1.whl\"\r\n\r\nhalf";
    let request =
        ada.request(Method::POST, "/pypi/acme/").header("content-type", "multipart/form-data; boundary=b");
    let refused = ada.send(request.body(half)).await?;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(files(&ada).await?.len(), 2);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn permission_is_checked_before_the_body_and_the_refusal_arrives_all_the_same() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    let reader = ada.issue_token("reader", &[("acme", "read")]).await?;
    let head = format!("PUT /t/{}/acme/noarch/leaf-1.0-0.conda HTTP/1.1\r\nhost: h\r\n", reader.token);
    // A client that asks first is told at once, and never to go on.
    let polite =
        format!("{head}expect: 100-continue\r\ncontent-length: 1000000\r\nconnection: close\r\n\r\n");
    let answer = raw(&ada, polite.as_bytes(), false).await?;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    // A client that sends everything before it reads gets to read the refusal.
    let body = vec![b'x'; 8 << 20];
    let eager = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let answer = raw(&ada, &[eager.as_bytes(), &body].concat(), false).await?;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("write"), "{answer}");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_come_in_pages_that_are_the_callers_own() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = filled(&cluster).await?;
    ada.upload("acme", &Conda::new("tiny", "1.1").conda()).await?.good()?;
    let page = async |session: &Session, token: &str| -> anyhow::Result<Answer> {
        session.get(&format!("/api/v1/channels/acme/artifacts?page_size=2&page_token={token}")).await
    };
    let first = page(&ada, "").await?.good()?.json();
    assert_eq!((first["artifacts"].as_array().map(Vec::len), &first["total"]), (Some(2), &json!(3)));
    let next = first["next_page_token"].as_str().unwrap_or_default().to_owned();
    let second = page(&ada, &next).await?.good()?.json();
    assert_eq!(
        (second["artifacts"].as_array().map(Vec::len), &second["next_page_token"]),
        (Some(1), &Value::Null)
    );
    let reader = ada.issue_token("reader", &[("acme", "read")]).await?;
    assert_eq!(page(&ada.with(&reader.token), &next).await?.status, 400);
    assert_eq!(page(&ada, "nonsense").await?.status, 400);

    let removed =
        ada.delete("/api/v1/channels/acme/artifacts/conda/noarch/tiny-1.1-0.conda").await?.good()?;
    assert!(!removed.headers.contains_key("latchkey-pending"));
    assert_eq!(ada.get("/acme/noarch/tiny-1.1-0.conda").await?.status, 404);
    assert_eq!(ada.delete("/api/v1/channels/acme/artifacts/pypi/absent-1.0.tar.gz").await?.status, 404);
    // Other kinds have such addresses, which take other methods.
    assert_eq!(ada.delete("/api/v1/channels/acme/artifacts/conda/absent").await?.status, 405);
    cluster.stop().await
}
