//! Scope tokens: what may be asked for, and what one may hand out itself.

use ::access::{Action, Caller, Credential, Object, SecretHash, Verdict};
use proto::auth::v1::{
    IdentifyTokensRequest, IssueTokenRequest, ListScopesRequest, ReissueTokenRequest, TokenRequest,
};
use proto::event::v1::{Privacy, TokenKind};
use tonic::Code;

use crate::lab::{Lab, code, reader, scoped};

#[tokio::test]
async fn a_token_has_scopes_or_grants_and_unknown_scopes_are_named() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut client = lab.client(&admin);
    let issued =
        client.issue_token(scoped("ci", &["repos", "channel:manage-groups", "repos"])).await.unwrap();
    let token = issued.into_inner().token.unwrap();
    assert_eq!((token.kind(), token.grants.len()), (TokenKind::Scoped, 0));
    assert_eq!(token.scopes, ["channel.group:edit", "repos"], "older names are read, once each");

    let both = IssueTokenRequest { scopes: vec!["repos".into()], ..reader("both", "acme") };
    let both = client.issue_token(both).await.unwrap_err();
    assert_eq!(both.code(), Code::InvalidArgument);
    assert!(both.message().contains("never both"), "{}", both.message());
    let neither = client.issue_token(scoped("neither", &[])).await.unwrap_err();
    assert_eq!(neither.code(), Code::InvalidArgument);
    assert!(neither.message().contains("either grants"), "{}", neither.message());
    let unknown = client.issue_token(scoped("x", &["repos", "channel:fly"])).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    assert!(unknown.message().contains("channel:fly"), "{}", unknown.message());
    let scopes = client.list_scopes(ListScopesRequest {}).await.unwrap().into_inner().scopes;
    assert_eq!(scopes.len(), names::Scope::ALL.len());
    assert!(scopes.iter().all(|scope| client_word(&scope.name) && !scope.opens.is_empty()));
}

fn client_word(name: &str) -> bool {
    name.parse::<names::Scope>().is_ok_and(|scope| scope.as_str() == name)
}

#[tokio::test]
async fn a_scope_token_opens_what_it_says_within_what_its_owner_holds() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let account = lab.account_id(&ben).await;
    lab.make_channel("bens", account, Privacy::Private).await;
    lab.make_channel("others", lab.account_id(&admin).await, Privacy::Private).await;
    let follower = lab.follower("gateway").await;
    let secret = lab.client(&ben).issue_token(scoped("ci", &["conda"])).await.unwrap().into_inner().secret;
    let allowed = |action, channel| {
        follower.view.read(|table| {
            let caller = table.caller(lab.ambient.clock.now(), &Credential::of(&secret));
            matches!(table.decide(&caller, action, &Object::ChannelNamed(channel)), Verdict::Allowed(_))
        })
    };
    assert!(allowed(Action::CondaDownload, "bens") && allowed(Action::CondaUpload, "bens"));
    assert!(!allowed(Action::PypiDownload, "bens") && !allowed(Action::ChannelEdit, "bens"));
    assert!(!allowed(Action::CondaDownload, "others"));
    follower.leave().await;
}

#[tokio::test]
async fn a_scope_token_hands_out_no_more_than_it_has() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut owner = lab.client(&admin);
    let end = "2027-03-01T00:00:00Z";
    let maker =
        IssueTokenRequest { expires_at: end.into(), ..scoped("maker", &["user.token:edit", "conda"]) };
    let maker = owner.issue_token(maker).await.unwrap().into_inner().secret;
    owner.issue_token(scoped("better", &["all"])).await.unwrap();
    let mut client = lab.client(&maker);
    let made = client.issue_token(scoped("child", &["conda:download"])).await.unwrap().into_inner();
    assert_eq!(made.token.unwrap().expires_at, end, "where no end is asked for, its maker's is the last");
    for refused in [
        scoped("x", &["repos"]),
        reader("x", "acme"),
        IssueTokenRequest { expires_at: "2027-03-01T00:00:01Z".into(), ..scoped("x", &["conda"]) },
    ] {
        assert_eq!(code(client.issue_token(refused).await), Code::PermissionDenied);
    }
    let better = ReissueTokenRequest { token: "better".into(), ..ReissueTokenRequest::default() };
    assert_eq!(code(client.reissue_token(better).await), Code::PermissionDenied);
    let narrow = lab.client(&made.secret).issue_token(scoped("x", &["conda:download"])).await.unwrap_err();
    assert_eq!(narrow.code(), Code::PermissionDenied);
    assert!(narrow.message().contains("user.token:edit"), "{}", narrow.message());
}

#[tokio::test]
async fn a_leaked_string_is_told_to_those_who_may_see_its_token() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let bens = lab.client(&ben).issue_token(scoped("bens", &["repos"])).await.unwrap().into_inner().secret;
    let admins =
        lab.client(&admin).issue_token(scoped("admins", &["repos"])).await.unwrap().into_inner().secret;
    let hash = |secret: &str| SecretHash::of(secret).0.to_vec();
    let sha256 = vec![hash(&bens), hash(&admins), hash("nobody's"), hash(&bens)];
    let found = async |secret: &str| {
        let request = IdentifyTokensRequest { sha256: sha256.clone() };
        let reply = lab.client(secret).identify_tokens(request).await.unwrap().into_inner();
        let mut names: Vec<_> = reply.tokens.into_iter().map(|token| token.name).collect();
        names.sort();
        names
    };
    assert_eq!(found(&ben).await, ["bens"]);
    assert_eq!(found(&admin).await, ["admins", "bens"]);
    let short = IdentifyTokensRequest { sha256: vec![vec![1; 31]] };
    assert_eq!(code(lab.client(&ben).identify_tokens(short).await), Code::InvalidArgument);
    let many = IdentifyTokensRequest { sha256: vec![vec![1; 32]; 1_001] };
    assert_eq!(code(lab.client(&ben).identify_tokens(many).await), Code::InvalidArgument);
    let shown =
        lab.client(&ben).show_token(TokenRequest { token: "bens".into(), owner: String::new() }).await;
    assert_eq!(shown.unwrap().into_inner().scopes, ["repos"]);
    let seen = lab.ambient.clock.now();
    let follower = lab.follower("gateway").await;
    let caller = follower.view.read(|table| table.caller(seen, &Credential::of(&bens)));
    assert!(matches!(caller, Caller::Token { .. }), "to ask kills nothing");
    follower.leave().await;
}
