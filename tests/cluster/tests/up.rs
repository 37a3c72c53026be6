//! `latchkey up` as its user meets it: ready, stopped, killed, started again.

#[path = "up/running.rs"]
mod running;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::sys::signal::Signal;
use running::{Up, command, kill, said};
use serde_json::Value;
use testkit::package::{Conda, wheel};
use testkit::processes_naming;

#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_no_process_behind_and_starts_again_with_everything() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let record_path = data.join("up.json");
    let file = dir.path().join("tiny-1.0-0.conda");
    std::fs::write(&file, Conda::new("tiny", "1.0").conda().bytes)?;
    let wheel = wheel("tiny", "1.0");
    let wheel_path = dir.path().join(&wheel.name);
    std::fs::write(&wheel_path, wheel.bytes)?;

    let mut up = Up::start(&data)?;
    assert_eq!(std::fs::metadata(&record_path)?.permissions().mode() & 0o777, 0o600);
    let written: Value = serde_json::from_slice(&std::fs::read(&record_path)?)?;
    assert_eq!(written, up.record);
    assert_eq!(up.session().get("/api/v1/whoami").await?.good()?.json()["account"]["login"], "admin");

    let refused = command(&["up", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output()?;
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert_eq!(said(&refused).trim().lines().count(), 1, "one sentence: {}", said(&refused));

    up.run(&["channel", "create", "acme", "--private"])?;
    let paths = [file.to_str().unwrap_or_default(), wheel_path.to_str().unwrap_or_default()];
    let stored = up.run(&["upload", "acme", paths[0], paths[1]])?;
    assert_eq!(stored["stored"].as_array().map(Vec::len), Some(2), "{stored}");
    let issued = up.run(&["token", "create", "readers", "--resource", "acme:read", "--expires", "30d"])?;
    let token = issued["token"].as_str().unwrap_or_default().to_owned();
    let opens = async |up: &Up| up.session().with(&token).get("/acme/noarch/tiny-1.0-0.conda").await;
    assert_eq!(opens(&up).await?.status, 200);

    let ended = up.signal(Signal::SIGINT)?;
    assert!(ended.success(), "Ctrl-C is no failure: {ended}");
    assert_eq!(processes_naming(&data), []);
    assert!(!record_path.exists(), "a script must not take a stopped one for a running one");

    let mut up = Up::start(&data)?;
    assert_eq!(opens(&up).await?.status, 200);
    assert_eq!(up.run(&["artifact", "list", "acme"])?["artifacts"].as_array().map(Vec::len), Some(2));

    up.signal(Signal::SIGKILL)?;
    testkit::until("its children are gone", || processes_naming(&data).is_empty()).await;

    let mut up = Up::start(&data)?;
    assert_eq!(opens(&up).await?.status, 200);
    up.run(&["token", "revoke", "readers"])?;
    assert_eq!(opens(&up).await?.status, 401);
    assert!(up.signal(Signal::SIGTERM)?.success());
    assert_eq!(processes_naming(&data), []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_started_again() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let up = Up::start(&data)?;
    up.run(&["channel", "create", "acme"])?;
    let file = dir.path().join("tiny-1.0-0.conda");
    std::fs::write(&file, Conda::new("tiny", "1.0").conda().bytes)?;
    for server in ["nats-server -c", "bin/postgres -D"] {
        let of_server = || processes_naming(&data).into_iter().find(|process| process.line.contains(server));
        let first = of_server().expect("it runs").pid;
        kill(first, Signal::SIGKILL)?;
        testkit::until("another one runs", || of_server().is_some_and(|process| process.pid != first)).await;
        testkit::until("uploads are taken again", || {
            up.run(&["upload", "acme", "--force", file.to_str().unwrap_or_default()]).is_ok()
        })
        .await;
    }
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named_in_a_sentence() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let listen = taken.local_addr()?.to_string();
    let refused = command(&["up", "--listen", &listen, "--data"]).arg(dir.path()).output()?;
    assert_eq!(refused.status.code(), Some(6), "{}", said(&refused));
    assert!(said(&refused).contains(&listen), "{}", said(&refused));
    Ok(())
}

/// A client that trusts this authority and no other.
fn trusting(ca: &Path) -> anyhow::Result<reqwest::ClientBuilder> {
    runtime::install_crypto();
    let ca = reqwest::Certificate::from_pem(&std::fs::read(ca)?)?;
    Ok(reqwest::Client::builder().no_proxy().tls_certs_only([ca]))
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_it_serves_https_under_one_authority_for_good() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let mut up = Up::start_with(&data, &["--tls", "--tls-name", "packages.example"])?;
    let http = up.record["http"].as_str().unwrap_or_default().to_owned();
    let ca = data.canonicalize()?.join("tls/ca.pem");
    assert!(http.starts_with("https://127.0.0.1:"), "{http}");
    assert_eq!(up.record["tls_ca"].as_str(), ca.to_str());
    assert_eq!(std::fs::metadata(data.join("tls/ca.key"))?.permissions().mode() & 0o777, 0o600);
    assert_eq!(up.run(&["whoami"])?["account"]["login"], "admin");

    let versions = [reqwest::Version::HTTP_2, reqwest::Version::HTTP_11];
    for (client, version) in [trusting(&ca)?, trusting(&ca)?.http1_only()].into_iter().zip(versions) {
        let answer = client.build()?.get(format!("{http}/readyz")).send().await?;
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
    let found =
        trusting(&ca)?.build()?.get(format!("{http}/.well-known/openid-configuration")).send().await?;
    let found: Value = serde_json::from_str(&found.text().await?)?;
    assert_eq!(
        (&found["issuer"], &found["token_endpoint"]),
        (&http.as_str().into(), &format!("{http}/-/oauth/token").into())
    );
    let port = http.rsplit(':').next().unwrap_or_default();
    let named = trusting(&ca)?.resolve("packages.example", ([127, 0, 0, 1], 0).into()).build()?;
    assert_eq!(
        named.get(format!("https://packages.example:{port}/readyz")).send().await?.status().as_u16(),
        200
    );
    let stranger = reqwest::Client::builder().no_proxy().build()?.get(format!("{http}/readyz")).send().await;
    assert!(stranger.is_err_and(|error| error.is_connect()), "nobody trusts it unasked");

    let first = std::fs::read(&ca)?;
    assert!(up.signal(Signal::SIGTERM)?.success());
    let mut up = Up::start_with(&data, &["--tls"])?;
    assert_eq!(std::fs::read(&ca)?, first, "who trusts it need not do so again");
    let home = dir.path().join("home");
    let login = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("HOME", &home).env_remove("XDG_CONFIG_HOME");
        command
    };
    let address = up.record["http"].as_str().unwrap_or_default();
    let password = std::fs::File::open(data.join("secrets/admin-password"))?;
    let signed_in = login(&["login", "--login", "admin", "--password-stdin", "--url", address, "--ca"])
        .arg(&ca)
        .stdin(password)
        .output()?;
    assert!(signed_in.status.success(), "{}", said(&signed_in));
    let who = login(&["whoami"]).output()?;
    assert!(who.status.success(), "login has noted the authority: {}", said(&who));
    let out = login(&["logout"]).output()?;
    assert!(out.status.success(), "{}", said(&out));
    assert!(up.signal(Signal::SIGTERM)?.success());
    Ok(())
}
