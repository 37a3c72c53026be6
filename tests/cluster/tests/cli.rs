//! The client verbs as a person and a script meet them: what they print, and the number they end with.

#[path = "cli/user.rs"]
mod user;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::package::{Conda, File, wheel};
use testkit::{Cluster, Options, binary};
use user::User;

impl User {
    fn write(&self, file: &File) -> anyhow::Result<PathBuf> {
        let path = self.dir.path().join(&file.name);
        std::fs::write(&path, &file.bytes)?;
        Ok(path)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_noted_for_its_owner_alone_and_ends_with_logout() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, None)?;
    let password = std::fs::read_to_string(cluster.secrets_dir().join("admin-password"))?;

    let refused = user.run(&["whoami"])?;
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert!(refused.err.contains("latchkey login"), "it says what to do next: {}", refused.err);
    let wrong = user.run_with(&["login", "--login", "admin", "--password-stdin"], "wrong\n")?;
    assert_eq!(wrong.code, Some(3), "{}", wrong.err);

    let signed_in = user.run_with(&["login", "--login", "admin", "--password-stdin"], &password)?;
    assert_eq!(signed_in.code, Some(0), "{}", signed_in.err);
    let noted = user.dir.path().join("config/latchkey/session.json");
    assert_eq!(std::fs::metadata(&noted)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(user.json(&["whoami"])?["account"]["login"], "admin");

    let string = serde_json::from_slice::<Value>(&std::fs::read(&noted)?)?["token"].clone();
    assert_eq!(user.run(&["logout"])?.code, Some(0));
    assert!(!noted.exists());
    assert_eq!(user.run(&["whoami"])?.code, Some(3));
    let kept = User::new(&cluster, string.as_str())?;
    assert_eq!(kept.run(&["whoami"])?.code, Some(3), "the session has ended on the server too");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_failure_ends_with_its_number_and_one_document() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let admin = User::new(&cluster, Some(cluster.admin().token()))?;
    let eve = cluster.create_person("eve").await?;
    let eve = User::new(&cluster, Some(eve.token()))?;
    admin.json(&["channel", "create", "acme", "--private"])?;
    let nobody = User::new(&cluster, Some("lkr-000000000000000000000000000000000000"))?;
    let mut away = User::new(&cluster, Some("x"))?;
    "http://127.0.0.1:1".clone_into(&mut away.url);

    admin.json(&["package", "create", "acme", "_libgcc_mutex", "--kind", "conda"])?;
    admin.json(&["package", "show", "acme", "_libgcc_mutex"])?;
    let cases: [(&User, &[&str], i32); 15] = [
        (&admin, &["channel", "create"], 2),
        (&admin, &["channel", "create", "Not A Name"], 2),
        (&admin, &["token", "create", "x", "--resource", "acme:all"], 2),
        (&nobody, &["whoami"], 3),
        (&eve, &["channel", "show", "acme"], 4),
        (&eve, &["events", "tail"], 4),
        (&admin, &["package", "create", "acme", "A B", "--kind", "conda"], 2),
        (&admin, &["label", "move", "acme", "dev", "dev"], 2),
        (&admin, &["token", "show", "absent"], 5),
        (&admin, &["label", "add", "acme", "dev", "absent"], 5),
        (&admin, &["package", "show", "acme", "libgcc_mutex"], 5),
        (&admin, &["group", "create", "absent/devs"], 5),
        (&admin, &["artifact", "remove", "acme", "absent-1.0.tar.gz"], 5),
        (&admin, &["channel", "create", "acme"], 6),
        (&away, &["whoami"], 7),
    ];
    for (user, arguments, code) in cases {
        let ran = user.run(&[arguments, &["--json"]].concat())?;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.json()["error"]["exit"], code, "{arguments:?}");
        assert!(!ran.err.is_empty(), "{arguments:?} says nothing to a person");
    }
    for (line, next) in [
        (&["token", "show", "absent"][..], "latchkey token list"),
        (&["label", "add", "acme", "dev", "absent"], "latchkey artifact list"),
        (&["package", "show", "acme", "libgcc_mutex"], "nearest: _libgcc_mutex"),
        (&["copy", "acme/_libgcc_mutex", "acme", "--to-label", "dev"], "is there, without files"),
        (&["group", "show", "absent/devs"], "latchkey group list"),
        (&["channel", "show", "absent"], "latchkey channel list"),
    ] {
        let ran = admin.run(line)?;
        assert!(ran.err.contains(next), "{line:?} says what to do next: {}", ran.err);
    }
    let taken = admin.run(&["channel", "create", "acme"])?;
    assert!(taken.err.contains("request "), "the request id helps to find it in the log: {}", taken.err);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_several_files_goes_on_after_a_failure() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme"])?;
    let tiny = user.write(&Conda::new("tiny", "1.0").conda())?;
    let native = user.write(&Conda::new("native", "1.0").subdir("linux-64").tar_bz2())?;
    let python = user.write(&wheel("tiny", "1.0"))?;
    let broken = user.write(&File { name: "broken-1.0-0.conda".to_owned(), bytes: b"no zip".to_vec() })?;
    let other = user.write(&File { name: "notes.txt".to_owned(), bytes: Vec::new() })?;

    let files = [text(&tiny), text(&broken), text(&other), text(&native), text(&python)];
    let ran = user.run(&[&["upload", "acme"], &files[..], &["--json"]].concat())?;
    assert_ne!(ran.code, Some(0));
    let document = ran.json();
    assert_eq!(document["stored"].as_array().map(Vec::len), Some(3), "{document}");
    assert_eq!(document["failed"].as_array().map(Vec::len), Some(2), "{document}");
    assert_eq!(document["stored"][1]["subdir"], "linux-64", "read from the archive");

    let again = user.run(&["upload", "acme", text(&tiny)])?;
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(again.out.contains("was there already"), "{}", again.out);
    let changed = Conda { depends: vec!["libc".to_owned()], ..Conda::new("tiny", "1.0") };
    let changed = user.write(&changed.conda())?;
    assert_eq!(user.run(&["upload", "acme", text(&changed)])?.code, Some(6));
    assert_eq!(user.run(&["upload", "acme", "--force", text(&changed)])?.code, Some(0));

    let listed = user.json(&["artifact", "list", "acme"])?;
    assert_eq!(listed["artifacts"].as_array().map(Vec::len), Some(3), "{listed}");
    let shown = user.run(&["artifact", "list", "acme"])?.out;
    let size = std::fs::metadata(&native)?.len().to_string();
    let line =
        shown.lines().find(|line| line.starts_with("linux-64/native-1.0-0.tar.bz2")).unwrap_or_default();
    assert!(line.split_whitespace().any(|word| word == size), "{shown}");
    user.json(&["artifact", "remove", "acme", "linux-64/native-1.0-0.tar.bz2", "tiny-1.0-py3-none-any.whl"])?;
    assert_eq!(user.json(&["artifact", "list", "acme"])?["artifacts"].as_array().map(Vec::len), Some(1));
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_with_what_to_type_and_told_apart_afterwards() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme", "--private"])?;
    let made = user.run(&["token", "create", "ci", "--resource", "acme:read", "--expires", "30d"])?;
    let string = made.out.lines().map(str::trim).find(|line| line.starts_with("lkr-")).unwrap_or_default();
    for line in [
        format!("conda config --add channels {}/t/{string}/acme", user.url),
        format!(
            "pip install --index-url {}/pypi/acme/simple/",
            user.url.replace("://", &format!("://__token__:{string}@"))
        ),
        "uv pip install".to_owned(),
    ] {
        assert!(made.out.contains(&line), "{line} is not in {}", made.out);
    }
    let issued = user.json(&["token", "create", "second", "--resource", "acme:write"])?;
    let second = User::new(&cluster, issued["token"].as_str())?;

    let yes = second.json(&["token", "explain", "--action", "write", "--channel", "acme"])?;
    assert_eq!(yes["allowed"], true, "{yes}");
    let no = user.run(&["token", "explain", "ci", "--action", "write", "--channel", "acme"])?;
    assert_eq!(no.code, Some(0), "{}", no.err);
    assert!(no.out.contains("write"), "it names what is missing: {}", no.out);

    let revoked = user.run(&["token", "revoke", "ci"])?;
    assert!(revoked.out.contains("applied by gateway after"), "{}", revoked.out);
    let by_id = user.json(&["token", "revoke", issued["id"].as_str().unwrap_or_default()])?;
    assert_eq!(by_id["token"]["state"], "revoked", "{by_id}");
    assert_eq!(second.run(&["whoami"])?.code, Some(3));
    let listed = user.json(&["token", "list"])?;
    let states: Vec<&Value> =
        listed["tokens"].as_array().into_iter().flatten().map(|token| &token["state"]).collect();
    assert_eq!(states, ["revoked", "revoked"]);
    assert!(!listed.to_string().contains(string), "the string is shown once");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_owns_channels_and_tokens() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    let team = user.json(&["account", "create", "team", "--organisation"])?;
    let id = team["id"].as_str().unwrap_or_default();
    let made = user.json(&["channel", "create", "builds", "--owner", "team"])?;
    assert_eq!(made["owner_id"], id);
    user.json(&["channel", "create", "tests", "--owner-id", id])?;
    let eve = cluster.create_person("eve").await?;
    let eve = User::new(&cluster, Some(eve.token()))?;
    let words = |ran: user::Ran| ran.err.split(" (request").next().unwrap_or_default().to_owned();
    let refused = eve.run(&["channel", "create", "mine", "--owner", "team"])?;
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    let unknown = eve.run(&["channel", "create", "mine", "--owner", "nobody"])?;
    assert_eq!(words(refused), words(unknown), "who is there is not told");
    let both = serde_json::json!({ "name": "both", "owner": "team", "owner_id": id });
    assert_eq!(cluster.admin().post("/api/v1/channels", &both).await?.status, 400);
    let owned = ["--owner", "team"];
    user.json(&[&["token", "create", "ci", "--resource", "builds:read"], &owned[..]].concat())?;
    let listed = user.json(&[&["token", "list"], &owned[..]].concat())?;
    assert_eq!(listed["tokens"][0]["owner"], "team", "{listed}");
    assert_eq!(user.json(&["token", "list"])?["tokens"], serde_json::json!([]), "it is not one's own");
    let sessions = user.json(&["token", "list", "--sessions"])?;
    assert_eq!(sessions["tokens"][0]["kind"], "session", "{sessions}");
    let revoked = user.json(&[&["token", "revoke", "ci", "--reason", "leaked"], &owned[..]].concat())?;
    assert_eq!(revoked["token"]["state"], "revoked", "{revoked}");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_that_is_not_allowed_is_refused_in_words() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme"])?;
    let reader = user.json(&["token", "create", "reader", "--resource", "acme:read"])?;
    let reader = User::new(&cluster, reader["token"].as_str())?;
    let large = reader.write(&File { name: "large-1.0-0.conda".to_owned(), bytes: vec![7; 64 << 20] })?;
    let ran = reader.run(&["upload", "acme", text(&large)])?;
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.err.contains("write"), "it names what is missing: {}", ran.err);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_can_be_followed_from_a_position() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme"])?;
    let all = user.run(&["events", "tail", "--json"])?;
    assert_eq!(all.code, Some(0), "{}", all.err);
    let events: Vec<Value> = all.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let last = events.last().and_then(|event| event["seq"].as_u64()).unwrap_or_default();
    assert!(events.len() > 2 && all.out.contains("ChannelCreated"), "{}", all.out);

    let from = (last + 1).to_string();
    let mut following = user
        .command(&["events", "tail", "--from", &from, "--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(following.stdout.take().expect("it was piped")).lines();
    user.json(&["channel", "create", "second"])?;
    let next = lines.next().expect("it follows")?;
    following.kill()?;
    following.wait()?;
    assert!(serde_json::from_str::<Value>(&next)?["seq"].as_u64() > Some(last), "{next}");
    let human = user.run(&["events", "tail", "--stream", "catalog"])?;
    assert_eq!(human.code, Some(0), "{}", human.err);
    cluster.stop().await
}

#[test]
fn every_shell_gets_completions_and_help_lists_the_numbers() -> anyhow::Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = Command::new(binary("latchkey")).args(["completions", shell]).output()?;
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("channel"),
            "{shell}"
        );
    }
    let help = Command::new(binary("latchkey")).arg("--help").output()?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("LATCHKEY_TOKEN") && help.contains("  7  "), "{help}");
    Ok(())
}
