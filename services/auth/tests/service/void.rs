//! Position decides: what a dead token still gets into the log has no effect anywhere.

use ::access::{Caller, Credential, SecretHash};
use eventlog::subject;
use proto::auth::v1::{CreateAccountRequest, ListTokensRequest, RevokeTokenRequest, WhoAmIRequest};
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{AccountKind, Actor, Privacy, TokenIssued, TokenKind, TokenSecret};
use tonic::Code;

use crate::lab::{LIMIT, Lab, reader};

#[tokio::test]
async fn what_a_dead_token_mints_opens_nothing() {
    let lab = Lab::start().await;
    let (admin, thief) = (lab.admin().await, lab.admin().await);
    let follower = lab.follower("gateway").await;
    let account = lab.account_id(&admin).await;
    let stolen = lab.client(&thief).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().token.unwrap();
    let revoke = RevokeTokenRequest { token: stolen.id.clone(), ..RevokeTokenRequest::default() };
    let revoked = lab.client(&admin).revoke_token(revoke).await.unwrap().into_inner();

    // A replica that checked the token before the revocation appends after it.
    let stolen: names::TokenId = stolen.id.parse().unwrap();
    let secret = ::access::token_string::mint(access::token_string::Kind::Session, [9; 32]);
    let id = names::TokenId(lab.ambient.ids.uuid());
    let ends_at_us = 4_000_000_000_000_000;
    let minted = TokenIssued {
        token_id: id.to_bytes(),
        owner_id: account.to_bytes(),
        kind: TokenKind::Session.into(),
        name: "survivor".into(),
        expires_at_us: ends_at_us,
        secrets: vec![TokenSecret { sha256: SecretHash::of(&secret).0.to_vec(), ends_at_us }],
        maker_token_id: stolen.to_bytes(),
        ..TokenIssued::default()
    };
    let actor = Actor { account_id: account.to_bytes(), token_id: stolen.to_bytes(), ..Actor::default() };
    let seq = lab
        .append(subject::owner(account), revoked.authz_seq, actor, vec![Stored::TokenIssued(minted)])
        .await;

    follower.view.wait_for(seq, LIMIT).await.unwrap();
    let seen = follower.view.read(|table| table.caller(lab.ambient.clock.now(), &Credential::of(&secret)));
    assert_eq!(seen, Caller::Unknown);
    assert_eq!(
        lab.client(&secret).who_am_i(WhoAmIRequest {}).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    let sessions = ListTokensRequest { sessions: true, ..ListTokensRequest::default() };
    let listed = lab.client(&admin).list_tokens(sessions).await.unwrap().into_inner();
    assert!(listed.tokens.iter().all(|token| token.name != "survivor"));
    // The void event moved the subject on; the next decision is made behind it.
    assert!(lab.sign_in(crate::lab::LOGIN, crate::lab::PASSWORD).await.is_ok());
    follower.leave().await;
}

#[tokio::test]
async fn a_token_that_mints_while_it_is_revoked_leaves_nothing_behind() {
    let lab = Lab::start().await;
    let (admin, thief) = (lab.admin().await, lab.admin().await);
    let kind = AccountKind::Organisation.into();
    let request = CreateAccountRequest { login: "acme-org".into(), kind, ..CreateAccountRequest::default() };
    let organisation = lab.client(&admin).create_account(request).await.unwrap().into_inner();
    lab.make_channel("acme", organisation.id.parse().unwrap(), Privacy::Private).await;
    let stolen = lab.client(&thief).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().token.unwrap();

    // The organisation's subject is another one than the session's, so no expectation stands between the two.
    let (started, mut minting) = tokio::sync::mpsc::channel(1);
    let mut client = lab.client(&thief);
    let minted = tokio::spawn(async move {
        let mut made = vec![];
        for number in 0.. {
            let mut wanted = reader(&format!("ci-{number}"), "acme");
            wanted.owner = "acme-org".into();
            match client.issue_token(wanted).await {
                Ok(issued) => made.push(issued.into_inner()),
                Err(status) => return (made, status),
            }
            // Only the first one is waited for; after it there is no room.
            started.try_send(()).unwrap_or_default();
        }
        unreachable!("it ends with a refusal");
    });
    minting.recv().await.unwrap();
    let revoke = RevokeTokenRequest { token: stolen.id, ..RevokeTokenRequest::default() };
    let revoked = lab.client(&admin).revoke_token(revoke).await.unwrap().into_inner();
    let (made, status) = minted.await.unwrap();
    assert_eq!(status.code(), Code::Unauthenticated, "{}", status.message());
    assert!(made.iter().all(|issued| issued.authz_seq < revoked.authz_seq));
    let tokens = ListTokensRequest { owner: "acme-org".into(), page_size: 200, ..Default::default() };
    let listed = lab.client(&admin).list_tokens(tokens).await.unwrap().into_inner();
    assert_eq!(listed.total, made.len() as u64, "what was answered with a token, and nothing else, is there");
}
