//! Files copied, moved and removed by the built command and by the REST interface: all of them or none, and what is not
//! there is answered with what came nearest.

#[path = "cli/user.rs"]
mod user;

use serde_json::{Value, json};
use testkit::package::{Conda, File, wheel};
use testkit::{Answer, Cluster, Options, Session};
use user::User;

/// `team` with two versions of a package, one for another platform, a wheel of the same name; and an empty `prod`.
async fn filled(cluster: &Cluster) -> anyhow::Result<User> {
    let admin = cluster.admin();
    for (channel, privacy) in [("team", "public"), ("prod", "private")] {
        admin.create_channel(channel, privacy).await?;
    }
    let native = Conda::new("native", "1.0").subdir("linux-64").conda();
    let conda = [Conda::new("tiny", "1.0").conda(), Conda::new("tiny", "2.0").conda(), native];
    let user = User::new(cluster, Some(admin.token()))?;
    for file in conda.iter().chain([&wheel("tiny", "1.0")]) {
        user.upload("team", file, &[])?;
    }
    Ok(user)
}

impl User {
    fn upload(&self, channel: &str, file: &File, more: &[&str]) -> anyhow::Result<()> {
        let path = self.dir.path().join(&file.name);
        std::fs::write(&path, &file.bytes)?;
        self.json(&[&["upload", channel, &path.display().to_string()], more].concat())?;
        Ok(())
    }

    /// Names and labels of a channel's files.
    fn files(&self, channel: &str) -> anyhow::Result<Vec<String>> {
        let listed = self.json(&["artifact", "list", channel])?;
        let files = listed["artifacts"].as_array().into_iter().flatten();
        let mut files: Vec<_> = files
            .map(|file| {
                let labels: Vec<_> =
                    file["labels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                format!("{} {}", file["filename"].as_str().unwrap_or_default(), labels.join(","))
            })
            .collect();
        files.sort_unstable();
        Ok(files)
    }

    /// What a command that must fail says, and the number it ends with.
    fn refused(&self, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
        let ran = self.run(arguments)?;
        Ok((ran.code.unwrap_or_default(), format!("{}{}", ran.out, ran.err)))
    }
}

fn count(document: &Value, field: &str) -> usize {
    document[field].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_moved_and_removed_by_one_way_of_naming_them() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = filled(&cluster).await?;
    user.json(&["channel", "create", "team/stage", "--private"])?;
    let all = user.files("team")?;

    let looked = user.run(&["copy", "team/tiny", "prod", "--dry-run"])?;
    assert!(looked.out.contains("would copy noarch/tiny-2.0-0.conda"), "{}", looked.out);
    assert!(looked.out.contains("3 files from team to prod; nothing was done"), "{}", looked.out);
    assert!(user.files("prod")?.is_empty());

    let copy = ["copy", "team/tiny/1.0", "prod", "--to-label", "rc", "--to-label", "main"];
    for _ in 0..2 {
        let copied = user.json(&copy)?;
        assert_eq!((count(&copied, "files"), &copied["dry_run"]), (2, &json!(false)), "{copied}");
    }
    assert_eq!(user.files("prod")?, ["tiny-1.0-0.conda main,rc", "tiny-1.0-py3-none-any.whl main,rc"]);
    assert_eq!(user.files("team")?, all);

    user.json(&["move", "team/native", "team/stage"])?;
    assert_eq!(user.files("team/stage")?, ["native-1.0-0.conda main"]);
    let again = user.refused(&["move", "team/native", "team/stage"])?;
    assert!(again.0 == 5 && again.1.contains("may have been moved already"), "{again:?}");
    let moved = user.run(&["move", "team/stage::native/1.0/linux-64/native-1.0-0.conda", "prod"])?;
    assert!(moved.out.contains("moved linux-64/native-1.0-0.conda\n1 file moved from team/stage to prod"));
    let down = user.dir.path().join("down").display().to_string();
    user.json(&["download", "prod/native/1.0", "--output", &down])?;
    user.json(&["download", "prod", "tiny/1.0/tiny-1.0-py3-none-any.whl", "--output", &down])?;
    assert!(user.dir.path().join("down/linux-64/native-1.0-0.conda").exists());

    user.json(&["copy", "prod/tiny/1.0", "prod", "--kind", "conda", "--to-label", "stable"])?;
    user.json(&["label", "add", "prod", "old", "tiny/1.0/tiny-1.0-py3-none-any.whl"])?;
    user.json(&["remove", "prod", "--label", "stable", "--yes"])?;
    assert_eq!(user.files("prod")?, ["native-1.0-0.conda main", "tiny-1.0-py3-none-any.whl main,old,rc"]);
    let removed = user.run(&["remove", "prod/native", "prod/tiny/1.0", "--yes"])?;
    assert!(removed.code == Some(0) && removed.out.contains("2 files removed from prod"), "{}", removed.out);
    assert!(user.files("prod")?.is_empty());
    assert_eq!(user.refused(&["remove", "prod/native", "--yes"])?.0, 5);
    let history = user.json(&["history", "prod", "--event", "artifact_removed"])?;
    assert_eq!(count(&history, "history"), 3, "{history}");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_unless_somebody_has_said_yes() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = filled(&cluster).await?;
    let all = user.files("team")?;
    let (code, said) = user.refused(&["remove", "team/tiny/2.0"])?;
    assert!(code == 2 && said.contains("would remove noarch/tiny-2.0-0.conda"), "{said}");
    assert!(said.contains("--yes"), "{said}");
    let ran = user.run_with(&["remove", "team/tiny", "--json"], "y\n")?;
    assert_eq!((ran.code, &ran.json()["error"]["exit"]), (Some(2), &json!(2)), "{}", ran.out);
    let looked = user.json(&["remove", "team/tiny", "--dry-run"])?;
    assert_eq!((count(&looked, "files"), &looked["dry_run"]), (3, &json!(true)));
    assert_eq!(user.files("team")?, all);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_that_is_refused_leaves_all_of_them_where_they_are() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = filled(&cluster).await?;
    let all = user.files("team")?;
    user.upload("prod", &Conda::new("tiny", "2.0").needs("libc").conda(), &[])?;
    for verb in ["copy", "move"] {
        let (code, said) = user.refused(&[verb, "team/native", "team/tiny", "prod"])?;
        assert!(code == 6 && said.contains("File already exists"), "{said}");
        assert_eq!((user.files("team")?, user.files("prod")?.len()), (all.clone(), 1));
    }
    let left = user.json(&["move", "team/native", "team/tiny", "prod", "--skip-existing"])?;
    assert_eq!((count(&left, "files"), &left["left"][0]["filename"]), (3, &json!("tiny-2.0-0.conda")));
    assert_eq!(user.files("team")?, ["tiny-2.0-0.conda main"], "what was not moved stays");
    user.json(&["copy", "team/tiny", "prod", "--force"])?;
    let digest = |channel: &str| -> anyhow::Result<Value> {
        let listed = user.json(&["artifact", "list", channel])?;
        let mut files = listed["artifacts"].as_array().into_iter().flatten();
        Ok(files
            .find(|file| file["filename"] == "tiny-2.0-0.conda")
            .map_or(Value::Null, |it| it["sha256"].clone()))
    };
    assert_eq!(digest("prod")?, digest("team")?);

    user.json(&["label", "lock", "prod", "main"])?;
    let (code, said) = user.refused(&["remove", "prod/tiny", "prod/native", "--yes"])?;
    assert!(code == 6 && said.contains("main is locked"), "{said}");
    assert_eq!(user.files("prod")?.len(), 4);
    let reader =
        user.json(&["token", "create", "reader", "--resource", "team:read", "--resource", "prod:write"])?;
    let reader = User::new(&cluster, reader["token"].as_str())?;
    let (code, said) = reader.refused(&["move", "team/tiny", "prod"])?;
    assert!(code == 4 && said.contains("manage"), "{said}");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_answered_with_what_came_nearest_of_what_one_may_see() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = filled(&cluster).await?;
    user.json(&["channel", "create", "team/stage", "--public"])?;
    user.upload("team", &Conda::new("tinysecret", "1.0").conda(), &["--private"])?;
    let eve = cluster.create_person("eve").await?;
    let eve_channel = eve.create_channel("eves", "private").await?;
    assert_eq!(eve_channel["name"], "eves");
    let eve = User::new(&cluster, Some(eve.token()))?;

    for (spec, more, near) in [
        ("team/tyni", &[][..], "nearest: tiny"),
        ("team/tiny/1", &[], "nearest: 1.0"),
        ("team/tiny/1.0/tiny-1.0-1.conda", &[], "nearest: noarch/tiny-1.0-0.conda"),
        ("team/tiny/2.0", &["--label", "mian"], "nearest: main"),
        ("team/tiny/2.0", &["--label", "rc"], "there is: main"),
        ("team/native", &["--kind", "pypi"], "there is: conda"),
        ("team/tiny/2.0", &["--kind", "pypi"], "nearest: 1.0"),
        ("team/zzz", &[], "latchkey package list team"),
        ("team", &["--label", "rc"], "latchkey label list team"),
        ("team/stage", &[], "team/stage::PACKAGE"),
    ] {
        for user in [&user, &eve] {
            let (code, said) = user.refused(&[&["copy", spec, "eves"], more].concat())?;
            assert!(code == 5 && said.contains(near), "{spec} {more:?}: {said}");
        }
    }
    let mine = user.refused(&["copy", "team/tinysecrets", "prod"])?;
    assert!(mine.1.contains("tinysecret"), "{mine:?}");
    let (hidden, never) = (
        eve.refused(&["copy", "team/tinysecret", "eves"])?,
        eve.refused(&["copy", "team/tinysecreT", "eves"])?,
    );
    assert_eq!(hidden.0, 5);
    assert_eq!(
        hidden.1,
        never.1.replace("tinysecreT", "tinysecret"),
        "a hidden one is like one that never was"
    );
    assert!(!eve.refused(&["copy", "team/tinysecrets", "eves"])?.1.contains("tinysecret,"));

    for (line, words) in [
        (&["copy", "team", "prod"][..], "say which package of team"),
        (&["copy", "team/tiny", "prod/tiny", "prod"], "team and prod are two channels"),
        (&["move", "team/tiny", "team"], "label move"),
        (&["copy", "team/tiny", "team"], "--to-label"),
        (&["remove", "team/tiny/"], "PACKAGE[/VERSION[/FILE]]"),
        (&["copy", "team/tiny"], "DEST"),
        (&["download", "team/tiny/1.0", "--version", "2.0"], "two versions"),
        (&["download", "team/tiny", "tiny"], "named twice"),
    ] {
        let (code, said) = user.refused(line)?;
        assert!(code == 2 && said.contains(words), "{line:?}: {said}");
    }
    let (code, said) = user.refused(&["copy", "team/tiny", "nowhere"])?;
    assert!(code == 4 && said.contains("nowhere"), "{said}");
    cluster.stop().await
}

async fn ask(session: &Session, verb: &str, body: &Value) -> anyhow::Result<Answer> {
    session.post(&format!("/api/v1/channels/team/artifacts/{verb}"), body).await
}

fn file(kind: &str, subdir: &str, filename: &str) -> Value {
    json!({ "kind": kind, "subdir": subdir, "filename": filename })
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_interface_a_repeat_is_done_and_what_makes_no_sense_is_refused() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let (user, admin) = (filled(&cluster).await?, cluster.admin());
    let (one, wheel) =
        (file("conda", "noarch", "tiny-1.0-0.conda"), file("pypi", "", "tiny-1.0-py3-none-any.whl"));
    let absent = file("conda", "noarch", "tiny-9.0-0.conda");
    for (verb, body, status) in [
        ("copy", json!({}), 400),
        ("copy", json!([]), 400),
        ("copy", json!({ "files": [], "to": "prod" }), 400),
        ("copy", json!({ "files": [one], "to": "" }), 400),
        ("copy", json!({ "files": [one], "to": "a/b/c" }), 400),
        ("copy", json!({ "files": [one], "to": "prod\u{0}" }), 400),
        ("copy", json!({ "files": [one], "to": "prod", "labels": ["not a label"] }), 400),
        ("copy", json!({ "files": [one], "to": "prod", "conflict": "maybe" }), 400),
        ("copy", json!({ "files": [file("wheel", "", "x.whl")], "to": "prod" }), 400),
        ("copy", json!({ "files": [file("conda", "nowhere", "tiny-1.0-0.conda")], "to": "prod" }), 404),
        ("copy", json!({ "files": [file("conda", "noarch", "\u{0}")], "to": "prod" }), 400),
        ("copy", json!({ "files": [file("file", "no-version", "x")], "to": "prod" }), 400),
        ("copy", json!({ "files": [one, absent], "to": "prod" }), 404),
        ("copy", json!({ "files": [one], "to": "nowhere" }), 403),
        ("copy", json!({ "files": vec![&one; 1001], "to": "prod" }), 400),
        ("copy", json!({ "files": [one], "to": "x".repeat(2 << 20) }), 413),
        ("move", json!({ "files": [one], "to": "team" }), 400),
        ("move", json!({ "files": [one, absent], "to": "prod" }), 404),
        ("remove", json!({ "files": [] }), 400),
        ("remove", json!({ "files": [one, absent] }), 404),
    ] {
        let answer = ask(admin, verb, &body).await?;
        assert_eq!(answer.status, status, "{verb} {:.300}: {}", body.to_string(), answer.text());
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert_eq!((user.files("team")?.len(), user.files("prod")?.len()), (4, 0), "nothing of it was done");

    let carried = json!({ "files": [one, wheel], "to": "prod" });
    let most = json!({ "files": vec![&one; 1000], "to": "prod" });
    assert_eq!(ask(admin, "copy", &most).await?.good()?.json()["files"], json!([one]));
    for _ in 0..2 {
        let moved = ask(admin, "move", &carried).await?.good()?.json();
        assert_eq!(moved["files"], json!([one, wheel]), "{moved}");
    }
    assert_eq!((user.files("team")?.len(), user.files("prod")?.len()), (2, 2));
    let gone = json!({ "files": [file("conda", "noarch", "tiny-2.0-0.conda")] });
    for _ in 0..2 {
        assert_eq!(ask(admin, "remove", &gone).await?.good()?.json()["files"], gone["files"]);
    }
    assert_eq!(user.files("team")?, ["native-1.0-0.conda main"]);

    admin.post("/api/v1/channels/team/subchannels", &json!({ "name": "stage" })).await?.good()?;
    let native = file("conda", "linux-64", "native-1.0-0.conda");
    ask(admin, "move", &json!({ "files": [native], "to": "team/stage" })).await?.good()?;
    let back = json!({ "files": [native], "to": "team" });
    admin.post("/api/v1/channels/team%2Fstage/artifacts/move", &back).await?.good()?;
    assert_eq!(user.files("team")?, ["native-1.0-0.conda main"]);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_package_is_answered_like_one_that_never_was() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = filled(&cluster).await?;
    user.upload("team", &Conda::new("hidden", "1.0").conda(), &["--private"])?;
    let eve = cluster.create_person("eve").await?;
    eve.create_channel("eves", "private").await?;
    let nobody = eve.nobody();
    for (session, verb, to) in
        [(&eve, "copy", "eves"), (&eve, "move", "eves"), (&eve, "remove", ""), (&nobody, "copy", "team")]
    {
        let asked = async |name: &str| -> anyhow::Result<(u16, String)> {
            let one = file("conda", "noarch", &format!("{name}-1.0-0.conda"));
            let answer = ask(session, verb, &json!({ "files": [one], "to": to })).await?;
            let words = answer.json()["detail"].as_str().unwrap_or_default().replace(name, "NAME");
            Ok((answer.status, words))
        };
        assert_eq!(asked("hidden").await?, asked("absent").await?, "{verb}");
    }
    cluster.stop().await
}
