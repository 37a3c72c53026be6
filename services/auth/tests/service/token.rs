//! Tokens: issued, shown, listed, explained.

use std::sync::Arc;
use std::time::Duration;

use proto::auth::v1::{ExplainRequest, IssueTokenRequest, ListTokensRequest, TokenRequest};
use proto::event::v1::{Level, Privacy};
use runtime::{Ambient, Clock as _, RandomIds, SystemClock, TestClock};
use tonic::Code;

use crate::lab::{Lab, code, reader};

#[tokio::test]
async fn a_token_is_issued_shown_listed_and_found_by_name() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let id = lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut client = lab.client(&admin);
    let issued = client.issue_token(reader("ci", "acme")).await.unwrap().into_inner();
    let token = issued.token.unwrap();
    assert_eq!((token.name.as_str(), token.state.as_str()), ("ci", "live"));
    assert_eq!(token.grants[0].channel_id, id.to_string());
    assert!(issued.secret.starts_with("lkr-") && issued.authz_seq > 0);

    for which in ["ci", &token.id] {
        let request = TokenRequest { token: which.into(), owner: String::new() };
        assert_eq!(client.show_token(request).await.unwrap().into_inner(), token);
    }
    let listed = client.list_tokens(ListTokensRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.tokens, listed.total), (vec![token], 1));
    let taken = client.issue_token(reader("ci", "acme")).await;
    assert_eq!(code(taken), Code::AlreadyExists);
}

#[tokio::test]
async fn a_token_never_gives_what_its_owner_does_not_hold() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    lab.make_channel("open", lab.account_id(&admin).await, Privacy::Public).await;
    let mut client = lab.client(&ben);
    let there = client.issue_token(reader("ci", "acme")).await.unwrap_err();
    let absent = client.issue_token(reader("ci", "acmf")).await.unwrap_err();
    assert_eq!(there.code(), Code::PermissionDenied);
    assert_eq!(there.message().replace("acme", "acmf"), absent.message(), "it must not tell what exists");
    assert!(client.issue_token(reader("ci", "open")).await.is_ok());
    let mut writer = reader("ci2", "open");
    writer.grants[0].level = Level::Write.into();
    assert_eq!(code(client.issue_token(writer).await), Code::PermissionDenied);
}

#[tokio::test]
async fn a_resource_token_manages_no_tokens_but_may_explain_itself() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let issued = lab.client(&admin).issue_token(reader("ci", "acme")).await.unwrap().into_inner();
    let mut client = lab.client(&issued.secret);
    assert_eq!(code(client.issue_token(reader("more", "acme")).await), Code::PermissionDenied);
    assert_eq!(code(client.list_tokens(ListTokensRequest::default()).await), Code::PermissionDenied);
    let mut ask = async |action: &str| {
        let request =
            ExplainRequest { action: action.into(), channel: "acme".into(), ..ExplainRequest::default() };
        client.explain(request).await.unwrap().into_inner()
    };
    let (read, write) = (ask("read").await, ask("write").await);
    assert!(read.allowed && !write.allowed, "{} / {}", read.words, write.words);
    assert!(write.words.contains("write"), "{}", write.words);
}

#[tokio::test]
async fn pages_hold_every_token_once_and_belong_to_one_caller_and_list() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut client = lab.client(&admin);
    for number in 0..5 {
        client.issue_token(reader(&format!("ci-{number}"), "acme")).await.unwrap();
    }
    let mut names = vec![];
    let mut page_token = String::new();
    let mut first_page = None;
    loop {
        let request = ListTokensRequest { page_size: 2, page_token, ..ListTokensRequest::default() };
        let listed = client.list_tokens(request).await.unwrap().into_inner();
        assert_eq!(listed.total, 5);
        names.extend(listed.tokens.into_iter().map(|token| token.name));
        page_token = listed.next_page_token;
        first_page.get_or_insert_with(|| page_token.clone());
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["ci-0", "ci-1", "ci-2", "ci-3", "ci-4"]);

    let page_token = first_page.unwrap();
    let other_list =
        ListTokensRequest { page_token: page_token.clone(), sessions: true, ..ListTokensRequest::default() };
    assert_eq!(code(client.list_tokens(other_list).await), Code::InvalidArgument);
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let stolen = ListTokensRequest { page_token, ..ListTokensRequest::default() };
    assert_eq!(code(lab.client(&ben).list_tokens(stolen).await), Code::InvalidArgument);
}

#[tokio::test]
async fn a_token_ends_when_it_was_to_end() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let ambient = Ambient { clock: clock.clone(), ids: Arc::new(RandomIds::new(clock.clone())) };
    let lab = Lab::start_with(ambient).await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut client = lab.client(&admin);
    let until = |days: i64| {
        let end = (clock.now() + time::Duration::days(days)).replace_nanosecond(0).unwrap();
        let expires_at = end.format(&time::format_description::well_known::Rfc3339).unwrap();
        IssueTokenRequest { expires_at, ..reader("ci", "acme") }
    };
    assert_eq!(code(client.issue_token(until(-1)).await), Code::InvalidArgument);
    assert_eq!(code(client.issue_token(until(4000)).await), Code::InvalidArgument);
    let issued = client.issue_token(until(1)).await.unwrap().into_inner();
    let explain = async |secret: &str| {
        let request =
            ExplainRequest { action: "read".into(), channel: "acme".into(), ..ExplainRequest::default() };
        lab.client(secret).explain(request).await
    };
    assert!(explain(&issued.secret).await.unwrap().into_inner().allowed);
    clock.advance(Duration::from_secs(24 * 3600));
    let expired = explain(&issued.secret).await.unwrap_err();
    assert_eq!(expired.code(), Code::Unauthenticated);
    assert!(expired.message().contains("expired"), "{}", expired.message());
    assert!(client.issue_token(until(1)).await.is_ok(), "the name is free again");
    clock.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(code(client.issue_token(until(1)).await), Code::Unauthenticated, "the session has ended too");
}
