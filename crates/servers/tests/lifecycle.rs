//! The real servers: started, stopped, killed, started again, and gone when their parent is.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use servers::{DataFolder, NatsCluster, NatsOptions, NatsServer, Postgres, PostgresOptions};
use tokio::net::TcpStream;

const HELPER_DIR: &str = "SERVERS_TEST_HELPER_DIR";

fn is_running(pid: u32) -> bool {
    // A zombie has been killed, and waits only for whoever inherited it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

async fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

#[tokio::test]
async fn a_nats_server_comes_back_on_its_port_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = NatsServer::start(dir.path(), NatsOptions::default()).await.unwrap();
    let (url, port) = (server.url(), server.port());
    assert!(listens(port).await);
    server.kill9().await;
    assert!(!listens(port).await);
    assert_eq!(server.exited().await.to_string(), "was ended by signal 9");
    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    assert!(listens(port).await);
    let pid = server.pid();
    server.stop().await;
    assert!(!is_running(pid));
}

#[tokio::test]
async fn a_dropped_server_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let server = NatsServer::start(dir.path(), NatsOptions::default()).await.unwrap();
    let pid = server.pid();
    drop(server);
    gone(&[pid]).await;
}

#[tokio::test]
async fn three_nats_servers_agree_and_one_may_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = NatsCluster::start(dir.path(), 3, NatsOptions::default()).await.unwrap();
    assert_eq!(cluster.url().split(',').count(), 3);
    cluster.kill9(1).await;
    cluster.healthy().await.unwrap();
    cluster.restart(1).await.unwrap();
}

#[tokio::test]
async fn postgres_keeps_its_data_through_a_stop_and_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
    let (url, port) = (server.url(), server.port());
    assert!(listens(port).await);
    server.kill9().await;
    server.restart().await.unwrap();
    assert!(listens(port).await);
    server.stop().await;
    assert!(!listens(port).await);
    drop(server);
    let again = PostgresOptions { port: Some(port), ..PostgresOptions::default() };
    let server = Postgres::start(dir.path(), again).await.unwrap();
    assert_eq!(server.url(), url, "role, password and port stay");
}

#[tokio::test]
async fn an_own_setting_reaches_postgres() {
    let dir = tempfile::tempdir().unwrap();
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let options = PostgresOptions { settings, ..PostgresOptions::default() };
    let error = Postgres::start(dir.path(), options).await.expect_err("there is no such setting");
    assert!(format!("{error:#}").contains("no_such_setting"), "{error:#}");
}

#[test]
fn a_folder_in_use_is_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let held = DataFolder::lock(&dir.path().join("data")).unwrap();
    let error = DataFolder::lock(held.path()).expect_err("it is held");
    let expected = format!(
        "{} is in use by process {}: stop that one, or choose another folder",
        held.path().display(),
        std::process::id()
    );
    assert_eq!(error.to_string(), expected);
    let path = held.path().to_owned();
    drop(held);
    DataFolder::lock(&path).unwrap();
}

/// What the next test runs in a process of its own, where the variable is set: servers, and no end.
#[tokio::test]
async fn helper_that_holds_servers() {
    let Some(dir) = std::env::var_os(HELPER_DIR).map(PathBuf::from) else { return };
    let nats = NatsServer::start(dir.join("nats"), NatsOptions::default()).await.unwrap();
    let postgres = Postgres::start(dir.join("postgres"), PostgresOptions::default()).await.unwrap();
    fs::write(dir.join("pids.new"), format!("{} {}", nats.pid(), postgres.pid())).unwrap();
    fs::rename(dir.join("pids.new"), dir.join("pids")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn servers_die_with_a_parent_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "helper_that_holds_servers"])
        .env(HELPER_DIR, OsString::from(dir.path()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pids = written(&dir.path().join("pids")).await;
    assert!(pids.iter().all(|pid| is_running(*pid)));
    helper.kill().unwrap();
    helper.wait().unwrap();
    gone(&pids).await;
}

async fn written(file: &Path) -> Vec<u32> {
    let found = within_a_minute(|| fs::read_to_string(file).ok()).await;
    found.split(' ').map(|pid| pid.parse().expect("the helper writes numbers")).collect()
}

async fn gone(pids: &[u32]) {
    within_a_minute(|| pids.iter().all(|pid| !is_running(*pid)).then_some(())).await;
}

/// Another process' end sends nothing that this one could wait for.
async fn within_a_minute<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it happens within a minute")
}
