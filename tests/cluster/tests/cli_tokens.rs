//! The verbs of a token's life, and those that say who may what, as a script meets them.

#[path = "cli/user.rs"]
mod user;

use serde_json::Value;
use testkit::{Cluster, Options};
use user::User;

/// The one string in what a command printed.
fn string_in(out: &str) -> &str {
    out.lines().map(str::trim).find(|line| line.starts_with("lkr-")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_resources_or_scopes_and_never_both() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme", "--private"])?;
    for wrong in [
        &["token", "create", "x"][..],
        &["token", "create", "x", "--resource", "acme:read", "--scope", "repos"],
        &["token", "create", "x", "--scopes", "repos conda:fly"],
        &["token", "create", "x", "--scope", ""],
        &["token", "edit", "x"],
        &["token", "reissue", "x", "--overlap", "long"],
        &["channel", "grant", "acme", "ada", "own"],
        &["account", "create", "robot", "--service-account", "--admin"],
        &["account", "create", "ada", "--owner", "admin", "--organisation", "--password-stdin"],
        &["account", "owners", "robot"],
    ] {
        let ran = user.run(&[wrong, &["--json"]].concat())?;
        assert_eq!(ran.code, Some(2), "{wrong:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.json()["error"]["exit"], 2, "{wrong:?}");
    }

    let made =
        user.run(&["token", "create", "farm", "--scopes", "repos conda:download", "--scope", "pypi:upload"])?;
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert!(made.out.contains(&format!("/t/{}/CHANNEL", string_in(&made.out))), "{}", made.out);
    let shown = user.json(&["token", "show", "farm"])?;
    assert_eq!(
        (&shown["kind"], shown["scopes"].as_array().map(Vec::len)),
        (&"scoped".into(), Some(3)),
        "{shown}"
    );
    let scopes = user.json(&["token", "scopes"])?;
    let promised = |scope: &&Value| scope["family"] != "latchkey";
    let count = scopes["scopes"].as_array().map(|scopes| scopes.iter().filter(promised).count());
    assert_eq!(count, Some(48), "{scopes}");
    let table = user.run(&["token", "scopes"])?;
    assert!(
        table.out.lines().any(|line| line.starts_with("conda:download  ") && line.contains("repository")),
        "{}",
        table.out
    );
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_edited_and_reissued_and_a_leaked_one_is_found_and_revoked() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme", "--private"])?;
    let first = user.json(&["token", "create", "ci", "--resource", "acme:read", "--expires", "3d"])?;
    let first = first["token"].as_str().unwrap_or_default();
    let soon = user.run(&["token", "list"])?;
    assert!(
        soon.out.contains("warning: \"ci\" ends in 2 days; to keep it: latchkey token edit"),
        "{}",
        soon.out
    );
    assert_eq!(user.json(&["token", "list"])?["warnings"].as_array().map(Vec::len), Some(1));

    user.json(&[
        "token",
        "edit",
        "ci",
        "--name",
        "build",
        "--description",
        "of the farm",
        "--expires",
        "30d",
    ])?;
    assert_eq!(User::new(&cluster, Some(first))?.run(&["whoami"])?.code, Some(0));
    assert!(!user.run(&["token", "list"])?.out.contains("warning"));

    let reissued = user.run(&["token", "reissue", "build", "--overlap", "1h"])?;
    let second = string_in(&reissued.out).to_owned();
    assert_eq!(reissued.out.matches(&second).count(), 1, "the string is shown once: {}", reissued.out);
    assert!(reissued.out.contains("the older string works until 2"), "{}", reissued.out);
    assert!(user.run(&["token", "show", "build"])?.out.contains("end-overlap"));
    let code = |string: &str| anyhow::Ok(User::new(&cluster, Some(string))?.run(&["whoami"])?.code);
    assert_eq!((code(first)?, code(&second)?), (Some(0), Some(0)));
    let ended = user.run(&["token", "end-overlap", "build"])?;
    assert!(ended.out.contains("applied by gateway after"), "{}", ended.out);
    assert_eq!((code(first)?, code(&second)?), (Some(3), Some(0)));
    let third = user.json(&["token", "reissue", "build"])?;
    assert!(third["receipt"]["confirmed"].is_array(), "{third}");
    let third = third["token"].as_str().unwrap_or_default();
    assert_eq!((code(&second)?, code(third)?), (Some(3), Some(0)));

    let text = format!("curl https://h/t/{third}/acme # {first}\nlkr-{}\n", "0".repeat(36));
    let found = user.run_with(&["token", "leaked"], &text)?;
    assert_eq!(found.code, Some(0), "{}", found.err);
    assert!(found.out.contains("build") && found.out.contains("--revoke"), "{}", found.out);
    let revoked = user.run_with(&["token", "leaked", "--revoke", "--json"], &text)?.json();
    assert_eq!(revoked["tokens"].as_array().map(Vec::len), Some(1), "two strings of one token: {revoked}");
    assert_eq!(revoked["tokens"][0]["state"], "revoked", "{revoked}");
    for string in [first, &second, third] {
        assert!(!format!("{} {revoked}", found.out).contains(string), "strings are printed by nobody");
    }
    assert_eq!(code(third)?, Some(3));
    let nothing = user.run_with(&["token", "leaked", "--json"], "no token in it\n")?.json();
    assert_eq!(nothing["tokens"], Value::Array(Vec::new()));
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_is_made_given_a_level_and_a_token_and_passed_on() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let admin = User::new(&cluster, Some(cluster.admin().token()))?;
    let ada = User::new(&cluster, Some(cluster.create_person("ada").await?.token()))?;
    let bob = User::new(&cluster, Some(cluster.create_person("bob").await?.token()))?;
    ada.json(&["channel", "create", "acme", "--private"])?;
    let made = admin.json(&[
        "account",
        "create",
        "robot",
        "--service-account",
        "--owner",
        "ada",
        "--owner",
        "bob",
    ])?;
    assert_eq!(made["kind"], "service_account", "{made}");
    ada.json(&["channel", "grant", "acme", "robot", "write"])?;

    let issued = bob.json(&["token", "create", "ci", "--resource", "acme:write", "--owner", "robot"])?;
    let machine = User::new(&cluster, issued["token"].as_str())?;
    let may = |level: &str| {
        let words = ["token", "explain", "--action", level, "--channel", "acme"];
        anyhow::Ok(machine.json(&words)?["allowed"] == true)
    };
    assert!(may("write")?);
    assert_eq!(bob.json(&["token", "list", "--owner", "robot"])?["tokens"].as_array().map(Vec::len), Some(1));
    ada.json(&["channel", "grant", "acme", "robot", "read"])?;
    assert!(may("read")? && !may("write")?, "what is given replaces what was");
    let grants = ada.json(&["channel", "grants", "acme"])?;
    assert_eq!(
        (&grants["grants"][0]["login"], &grants["grants"][0]["level"]),
        (&"robot".into(), &"read".into())
    );

    admin.json(&["account", "owners", "robot", "--owner", "ada"])?;
    let left = bob.run(&["token", "list", "--owner", "robot"])?;
    assert_ne!(left.code, Some(0), "{}", left.out);
    assert!(may("read")?, "its tokens outlive one owner's leaving");
    let ungranted = ada.run(&["channel", "ungrant", "acme", "robot"])?;
    assert!(ungranted.out.contains("applied by gateway after"), "{}", ungranted.out);
    assert!(!may("read")?);
    cluster.stop().await
}

#[test]
fn every_shell_completes_the_verbs_of_a_tokens_life() -> anyhow::Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output =
            std::process::Command::new(testkit::binary("latchkey")).args(["completions", shell]).output()?;
        let script = String::from_utf8_lossy(&output.stdout);
        for verb in ["edit", "reissue", "end-overlap", "scopes", "leaked", "grant", "ungrant", "owners"] {
            assert!(script.contains(verb), "{shell} does not complete {verb}");
        }
    }
    Ok(())
}
