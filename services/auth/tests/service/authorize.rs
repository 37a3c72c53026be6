//! Signing in by browser: one code, one session, on any replica.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::auth::v1::{
    AccountRequest, AuthorizeRequest, ChangePasswordRequest, ExchangeCodeRequest, IssuedToken, WhoAmIRequest,
};
use ring::digest::{SHA256, digest};
use time::Duration;
use tonic::{Code, Status};

use crate::lab::{Client, LOGIN, Lab, PASSWORD, code};

const VERIFIER: &str = "a-verifier-of-the-least-length-that-is-good";
const PROGRAM: &str = "a program";
const REDIRECT: &str = "http://127.0.0.1:8000/auth/oidc";

fn wish() -> AuthorizeRequest {
    AuthorizeRequest {
        login: LOGIN.into(),
        password: PASSWORD.into(),
        client_id: PROGRAM.into(),
        redirect_uri: REDIRECT.into(),
        code_challenge: URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes())),
    }
}

async fn authorized(lab: &Lab) -> ExchangeCodeRequest {
    let code = lab.client("").authorize(wish()).await.unwrap().into_inner().code;
    ExchangeCodeRequest {
        code,
        client_id: PROGRAM.into(),
        redirect_uri: REDIRECT.into(),
        code_verifier: VERIFIER.into(),
        note: "anaconda".into(),
    }
}

async fn exchanged(mut client: Client, request: &ExchangeCodeRequest) -> Result<IssuedToken, Status> {
    client.exchange_code(request.clone()).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_code_becomes_a_session_of_an_hour_on_whichever_replica_is_asked() {
    let (lab, clock) = Lab::with_clock().await;
    let other = lab.another_auth().await;
    let request = authorized(&lab).await;
    let issued = exchanged(Lab::client_of(other, ""), &request).await.unwrap();
    let me = lab.client(&issued.secret).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    let token = me.token.unwrap();
    assert_eq!((me.account.unwrap().login.as_str(), token.name.as_str()), (LOGIN, "anaconda"));
    clock.advance(Duration::HOUR.unsigned_abs());
    assert_eq!(code(lab.client(&issued.secret).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
}

#[tokio::test]
async fn of_two_that_come_with_one_code_at_once_one_gets_a_session_and_it_is_ended() {
    let lab = Lab::start().await;
    let other = lab.another_auth().await;
    let request = authorized(&lab).await;
    let (here, there) =
        tokio::join!(exchanged(lab.client(""), &request), exchanged(Lab::client_of(other, ""), &request),);
    let (won, lost) = match (here, there) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        (here, there) => panic!("one wins: {here:?} {there:?}"),
    };
    assert_eq!(lost.code(), Code::InvalidArgument);
    assert!(lost.message().contains("used before"), "{lost}");
    assert_eq!(code(lab.client(&won.secret).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
}

#[tokio::test]
async fn a_code_opens_nothing_to_whoever_lacks_one_part() {
    let lab = Lab::start().await;
    let good = authorized(&lab).await;
    let other_verifier = VERIFIER.replace("least", "other");
    let mut changed = good.code.clone();
    changed.replace_range(100..101, if &changed[100..101] == "A" { "B" } else { "A" });
    for wrong in [
        ExchangeCodeRequest { code_verifier: other_verifier, ..good.clone() },
        ExchangeCodeRequest { code_verifier: VERIFIER[1..].into(), ..good.clone() },
        ExchangeCodeRequest { code_verifier: "a".repeat(129), ..good.clone() },
        ExchangeCodeRequest { client_id: "another program".into(), ..good.clone() },
        ExchangeCodeRequest { redirect_uri: "http://127.0.0.1:8001/auth/oidc".into(), ..good.clone() },
        ExchangeCodeRequest { code: changed, ..good.clone() },
        ExchangeCodeRequest { code: String::new(), ..good.clone() },
        ExchangeCodeRequest { code: "A".repeat(100_000), ..good.clone() },
    ] {
        assert_eq!(code(exchanged(lab.client(""), &wrong).await), Code::InvalidArgument, "{wrong:?}");
    }
    assert_eq!(code(lab.client(&good.code).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
    assert!(exchanged(lab.client(""), &good).await.is_ok(), "none of these has used it up");
}

#[tokio::test]
async fn a_code_ends_with_its_minute_with_the_password_and_with_the_account() {
    let (lab, clock) = Lab::with_clock().await;
    let admin = lab.admin().await;
    let late = authorized(&lab).await;
    clock.advance(std::time::Duration::from_secs(60));
    let refused = exchanged(lab.client(""), &late).await.unwrap_err();
    assert!(refused.message().contains("expired"), "{refused}");

    let before = authorized(&lab).await;
    let change = ChangePasswordRequest { login: String::new(), password: "a whole new password".into() };
    lab.client(&admin).change_password(change).await.unwrap();
    let refused = exchanged(lab.client(""), &before).await.unwrap_err();
    assert!(refused.message().contains("password has changed"), "{refused}");

    crate::account::make(&lab, &admin, "ben").await;
    let ben = AuthorizeRequest { login: "ben".into(), password: "ben has a password".into(), ..wish() };
    let given = lab.client("").authorize(ben.clone()).await.unwrap().into_inner().code;
    lab.client(&admin).disable_account(AccountRequest { login: "ben".into() }).await.unwrap();
    let given = ExchangeCodeRequest { code: given, ..before };
    assert_eq!(code(exchanged(lab.client(""), &given).await), Code::PermissionDenied);
    assert_eq!(code(lab.client("").authorize(ben).await), Code::PermissionDenied);
}

#[tokio::test]
async fn a_code_is_given_for_the_right_password_and_an_address_on_the_same_computer_only() {
    let lab = Lab::start().await;
    let asked = async |wish: AuthorizeRequest| code(lab.client("").authorize(wish).await);
    for wrong in [
        AuthorizeRequest { password: "not the password".into(), ..wish() },
        AuthorizeRequest { login: "nobody-here".into(), ..wish() },
    ] {
        assert_eq!(asked(wrong).await, Code::Unauthenticated);
    }
    for wrong in [
        AuthorizeRequest { redirect_uri: "https://evil.example/".into(), ..wish() },
        AuthorizeRequest { code_challenge: "short".into(), ..wish() },
        AuthorizeRequest { client_id: String::new(), ..wish() },
        AuthorizeRequest { client_id: "x".repeat(201), ..wish() },
        AuthorizeRequest { client_id: "a\u{0}b".into(), ..wish() },
    ] {
        assert_eq!(asked(wrong).await, Code::InvalidArgument);
    }
    let longest = AuthorizeRequest { client_id: "x".repeat(200), ..wish() };
    assert!(lab.client("").authorize(longest).await.is_ok());
}
