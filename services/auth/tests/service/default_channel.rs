//! Where uploads go that name no channel: chosen, gone, given back.

use names::AccountId;
use proto::auth::v1::{SetDefaultChannelRequest, WhoAmIRequest};
use proto::event::v1::Privacy;
use tonic::Code;

use crate::lab::{LOGIN, Lab, PASSWORD, code};

async fn default_channel(lab: &Lab, secret: &str) -> String {
    lab.client(secret).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().default_channel
}

fn choose(channel: &str, login: &str) -> SetDefaultChannelRequest {
    SetDefaultChannelRequest { channel: channel.into(), login: login.into() }
}

#[tokio::test]
async fn a_default_channel_is_the_accounts_own_until_it_chooses_one_that_it_may_upload_to() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let own = lab.account_id(&admin).await;
    let ben: AccountId = crate::account::make(&lab, &admin, "ben").await.parse().unwrap();
    lab.make_channel("admins", own, Privacy::Public).await;
    lab.make_channel("bens", ben, Privacy::Private).await;
    // Whoever signs in now finds what was appended before.
    let session = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    assert_eq!(default_channel(&lab, &admin).await, LOGIN);
    assert_eq!(default_channel(&lab, &session).await, "ben");

    let chosen = lab.client(&session).set_default_channel(choose("bens", "")).await.unwrap().into_inner();
    assert_eq!(chosen.channel, "bens");
    assert!(chosen.authz_seq > 0);
    assert_eq!(default_channel(&lab, &session).await, "bens");
    let again = lab.client(&session).set_default_channel(choose("bens", "")).await.unwrap().into_inner();
    assert_eq!(again.authz_seq, chosen.authz_seq, "said again, it records nothing");
    // Read on a public channel is not enough, and a channel that is not there is refused in the same words.
    let refused = |status: tonic::Status| (status.code(), status.message().to_owned());
    let read = refused(lab.client(&session).set_default_channel(choose("admins", "")).await.unwrap_err());
    let absent = refused(lab.client(&session).set_default_channel(choose("absent", "")).await.unwrap_err());
    assert_eq!(read, absent);
    assert_eq!(read.0, Code::NotFound);
    // Nobody else's, but for administrators.
    let other = lab.client(&session).set_default_channel(choose("bens", LOGIN)).await;
    assert_eq!(code(other), Code::PermissionDenied);
    let back = lab.client(&admin).set_default_channel(choose("", "ben")).await.unwrap().into_inner();
    assert_eq!(back.channel, "ben");
    assert_eq!(default_channel(&lab, &session).await, "ben");
}

#[tokio::test]
async fn a_chosen_channel_that_is_gone_is_no_default_channel_any_more() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let own = lab.account_id(&admin).await;
    let id = lab.make_channel("bench", own, Privacy::Private).await;
    let admin = lab.sign_in(LOGIN, PASSWORD).await.unwrap().secret;
    lab.client(&admin).set_default_channel(choose("bench", "")).await.unwrap();
    assert_eq!(default_channel(&lab, &admin).await, "bench");
    lab.delete_channel(id).await;
    let admin = lab.sign_in(LOGIN, PASSWORD).await.unwrap().secret;
    assert_eq!(default_channel(&lab, &admin).await, LOGIN);
}
