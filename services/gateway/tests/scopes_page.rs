//! `docs/scopes.md` is made of what the code knows: the scopes, and the actions that each opens.

use std::path::PathBuf;

use access::Action;
use names::{Level, Scope, ScopeFamily};

const BEGINNING: &str = "\
<!-- Made from the code, and compared with it by services/gateway/tests/scopes_page.rs. -->
# Scopes

A scope token opens the actions of its scopes, on whatever its owner may do them at the time of use; it never opens more than its
owner has. A token has scopes or grants on channels, never both. `latchkey token scopes` prints this list, `GET /api/v1/scopes` and
`GET /api/account/scopes` serve it; `x-scopes` in `GET /api/v1/openapi.json` says for each address which scopes open it.

```sh
latchkey token create ci-install --scope conda:download --scope pypi:download --expires 90d
latchkey token create ci-upload --scope artifact:create --expires 30d
latchkey token create auditor --scopes 'channel:view artifact:view user.token:view'
anaconda auth --create --name laptop --scopes 'repos conda:download'
curl -H \"Authorization: Bearer $SESSION\" https://HOST/api/account/tokens \\
  -d '{\"name\": \"bot\", \"expires_at\": \"2027-06-30\", \"scopes\": [\"artifact:download\", \"artifact:view\"]}'
```

A request that lacks a scope is refused with its name. A level is what the token's owner must hold on the channel.
";

const ENDING: &str = "
## Spellings

`channel:manage-groups`, `subchannel:manage-groups` and `channel:set-default-channel` are older names that clients still send; they
mean `channel.group:edit`, `subchannel.group:edit` and `channel.default-channel:edit`. `x` contains `x:y`, and `all` everything.
";

fn page() -> String {
    let mut page = BEGINNING.to_owned();
    for (family, title) in [
        (ScopeFamily::Server, "Scopes of Anaconda Server"),
        (ScopeFamily::Repository, "Scopes of Anaconda Repository"),
        (ScopeFamily::Latchkey, "Scopes of our own"),
    ] {
        page += &format!("\n## {title}\n\n| scope | what it opens | actions |\n| --- | --- | --- |\n");
        for scope in Scope::ALL.into_iter().filter(|scope| scope.family() == family) {
            page += &format!("| `{scope}` | {} | {} |\n", scope.opens(), actions(scope));
        }
    }
    page.push_str(
        "\n## Actions\n\n| action | level on the channel | one of these scopes |\n| --- | --- | --- |\n",
    );
    for action in Action::ALL {
        let scopes: Vec<String> = action.scopes().iter().map(|scope| format!("`{scope}`")).collect();
        let scopes = if scopes.is_empty() { "none needed".to_owned() } else { scopes.join(", ") };
        let level = action.level().map_or("", Level::as_str);
        page += &format!("| {} | {level} | {scopes} |\n", action.as_str());
    }
    page + ENDING
}

fn actions(scope: Scope) -> String {
    let opened = Action::ALL.into_iter().filter(|action| action.scopes().contains(&scope));
    opened.map(Action::as_str).collect::<Vec<_>>().join(", ")
}

fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/scopes.md")
}

#[test]
fn the_page_says_what_the_code_does() {
    let written = std::fs::read_to_string(place()).unwrap();
    let page = page();
    if written != page {
        let made = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scopes.md");
        std::fs::write(&made, page).unwrap();
        panic!("docs/scopes.md is stale: cp {} docs/scopes.md", made.display());
    }
}

#[test]
fn the_older_spellings_on_the_page_are_understood() {
    for (older, scope) in [
        ("channel:manage-groups", Scope::ChannelGroupEdit),
        ("subchannel:manage-groups", Scope::SubchannelGroupEdit),
        ("channel:set-default-channel", Scope::DefaultChannelEdit),
    ] {
        assert_eq!(older.parse(), Ok(scope));
        assert!(ENDING.contains(older) && ENDING.contains(scope.as_str()), "{older}");
    }
}
