//! The repository holds its own rules, and each rule refuses a tree that breaks it.

use std::path::Path;

use tidy::{Tree, faults};

/// If this fails: each line names a file and the rule it breaks. Change the file, or the rule in
/// `tests/tidy` in a commit of its own that says why.
#[test]
fn the_repository_holds_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tree = Tree::read(&root).expect("the repository can be read");
    let faults = faults(&tree);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// A small tree without a fault.
fn good() -> Tree {
    Tree::of(&[
        ("README.md", "See [the design](ARCHITECTURE.md#top) and `crates/access/src/decide.rs`."),
        ("ARCHITECTURE.md", ""),
        ("CHANGELOG.md", ""),
        ("up", ""),
        ("check", ""),
        ("clippy.toml", ""),
        ("rustfmt.toml", ""),
        (".ci/run", ""),
        ("deploy/k8s/base/kustomization.yaml", ""),
        ("deploy/Dockerfile", ""),
        ("docs/adr/0001-log.md", "[up](../../up)"),
        ("docs/operations.md", ""),
        (
            "services/auth/Cargo.toml",
            "[dependencies]\nproto.workspace = true\n[dev-dependencies]\ntestkit.workspace = true\n",
        ),
        ("services/auth/src/domain/token.rs", "//! Tokens.\nfn revoke() {}\n"),
        ("services/gateway/src/render/repodata.rs", "//! Rows to bytes.\nfn render() {}\n"),
        ("crates/access/src/decide.rs", "//! Decides.\nfn decide() {}\n"),
    ])
}

#[test]
fn a_good_tree_has_no_fault() {
    assert_eq!(faults(&good()), Vec::<String>::new());
}

#[test]
fn each_rule_refuses_what_breaks_it() {
    let long = format!("//! Long.\n{}", "\n".repeat(500));
    let unfinished = format!("//! Unfinished.\n// {}{}: later\n", "TO", "DO");
    let broken = [
        ("services/auth/Cargo.toml", "[dependencies]\ncatalog.workspace = true\n", "may not use catalog"),
        ("services/auth/Cargo.toml", "[dev-dependencies]\ncatalog.workspace = true\n", "not even in tests"),
        ("services/auth/Cargo.toml", "[dependencies]\ntestkit.workspace = true\n", "dev-dependencies"),
        ("services/auth/Cargo.toml", "[dependencies]\nsqlx.workspace = true\n", "may not use sqlx"),
        (
            "services/gateway/Cargo.toml",
            "[dependencies]\neventlog.workspace = true\n",
            "may not use eventlog",
        ),
        (
            "services/gateway/Cargo.toml",
            "[dependencies]\nasync-nats.workspace = true\n",
            "through crates/usage alone",
        ),
        (
            "services/gateway/Cargo.toml",
            "[dependencies]\nreadmodel = { workspace = true, features = [\"write\"] }\n",
            "only the projector",
        ),
        ("crates/access/Cargo.toml", "[dependencies]\nruntime.workspace = true\n", "may not use runtime"),
        ("crates/names/Cargo.toml", "[dependencies]\nproto.workspace = true\n", "may not use proto"),
        ("crates/other/Cargo.toml", "[dependencies]\n", "does not know this crate"),
        ("services/auth/src/domain/token.rs", "//! Revoke.\nuse tokio::time;\n", "`tokio` may not"),
        (
            "services/auth/src/domain.rs",
            "//! Domain.\nfn f(t: &proto::auth::v1::Token) {}\n",
            "`proto` may not",
        ),
        ("services/gateway/src/render/simple.rs", "//! Pages.\nuse reqwest::Client;\n", "`reqwest` may not"),
        ("services/catalog/src/inspect/wheel.rs", "//! Wheels.\nuse sqlx::query;\n", "`sqlx` may not"),
        ("crates/access/src/table.rs", "//! Table.\nasync fn f() {}\n", "`async` may not"),
        ("services/auth/src/app.rs", "//! App.\nconst Q: &str = \"SELECT 1\";\n", "SQL stands in"),
        ("services/gateway/src/app.rs", "//! App.\nuse readmodel::write::Tx;\n", "only the projector"),
        ("services/auth/src/app.rs", "fn f() {}\n", "open with //!"),
        ("services/auth/src/app.rs", &long, "501 lines"),
        ("services/auth/src/app.rs", &unfinished, "unfinished"),
        ("services/auth/src/domain/mod.rs", "//! Domain.\n", "beside their folder"),
        ("services/auth/src/utils.rs", "//! Things.\n", "says nothing"),
        ("services/auth/tests/app.rs", "//! Test.\nfn f() { sleep(1) }\n", "does not sleep"),
        (
            "services/auth/src/app.rs",
            "//! App.\n\n#[cfg(test)]\nmod tests { fn f() { sleep(1) } }\n",
            "does not sleep",
        ),
        ("crates/servers/tests/lifecycle.rs", "//! Waits.\n", "off the list"),
        ("tests/clients/test_x.py", "time.sleep(1)\n", "does not sleep"),
        ("services/auth/src/domain/token.rs", "//! Tokens.\n", "should stand in it"),
        ("crates/access/src/decide.rs", "//! Decides.\n", "should stand in it"),
        ("README.md", "`crates/access/src/gone.rs`", "does not exist"),
        ("docs/adr/0001-log.md", "[gone](../gone.md)", "does not exist"),
    ];
    for (path, text, expected) in broken {
        let found = faults(&good().with(path, text));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{path}: no {expected:?} in {found:?}");
    }
}

#[test]
fn sleeping_outside_tests_and_words_in_strings_are_no_fault() {
    let text = "//! App, with tokio.\nfn f() { sleep(1); log(\"tokio SELECT\") }\n";
    let tree = good().with("services/auth/src/app.rs", text);
    assert_eq!(
        faults(&tree.with("services/auth/src/domain/name.rs", "//! No tokio.\n// proto\n")),
        Vec::<String>::new()
    );
}
