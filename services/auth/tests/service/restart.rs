//! What stays: everything that was acknowledged. What never comes: a secret.

use std::path::Path;

use proto::auth::v1::{ListTokensRequest, RevokeTokenRequest, WhoAmIRequest};
use proto::event::v1::Privacy;
use tonic::Code;

use crate::lab::{LOGIN, Lab, PASSWORD, code, reader};

#[tokio::test]
async fn a_restart_of_auth_and_of_the_log_loses_nothing() {
    let mut lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut client = lab.client(&admin);
    let kept = client.issue_token(reader("kept", "acme")).await.unwrap().into_inner();
    let dead = client.issue_token(reader("dead", "acme")).await.unwrap().into_inner();
    let revoke = RevokeTokenRequest { token: "dead".into(), ..RevokeTokenRequest::default() };
    client.revoke_token(revoke).await.unwrap();
    let before = client.list_tokens(ListTokensRequest::default()).await.unwrap().into_inner();

    lab.stop_auth().await;
    lab.nats.restart().await.unwrap();
    lab.start_auth().await;
    let after = lab.client(&admin).list_tokens(ListTokensRequest::default()).await.unwrap().into_inner();
    assert_eq!(after, before);
    assert!(lab.client(&kept.secret).who_am_i(WhoAmIRequest {}).await.is_ok());
    assert_eq!(code(lab.client(&dead.secret).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
    assert!(lab.sign_in(LOGIN, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn no_secret_and_no_login_is_in_any_stored_byte() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let issued = lab.client(&admin).issue_token(reader("a-name-to-be-found", "acme")).await.unwrap();
    let token = issued.into_inner().secret;
    lab.nats.stop().await;
    let stored = files(&lab.dir.path().join("nats"));
    let holds = |text: &str| stored.iter().any(|file| find(file, text.as_bytes()));
    assert!(holds("a-name-to-be-found"), "the search must see what the log holds");
    for secret in [admin.as_str(), &token, &token[4..34], LOGIN, PASSWORD, "argon2id"] {
        assert!(!holds(secret), "{secret} is stored");
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(std::fs::read(&path).unwrap());
        }
    }
    found
}

fn find(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}
