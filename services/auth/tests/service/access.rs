//! Every RPC with every kind of caller. An RPC that is not in the table fails the test.

use std::collections::BTreeSet;

use ::access::token_string::{self, Kind};
use prost::Message;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use proto::auth::v1 as api;
use proto::event::v1::Privacy;
use proto::events::v1::SubscribeRequest;
use proto::feed::v1::{AwaitAppliedRequest, FollowerMessage, Hello, RenewRequest, follower_message};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};

use crate::lab::{LOGIN, Lab, PASSWORD, reader};

const OURS: [&str; 4] = [
    "latchkey.auth.v1.Auth",
    "latchkey.events.v1.Events",
    "latchkey.feed.v1.Feed",
    "latchkey.status.v1.Status",
];

/// What each kind of caller gets: `+` served, or refused for a reason of the request itself; `1` 401; `3` 403.
/// nobody, garbage, unknown, revoked, disabled, resource token, administrator's token for downloads, somebody else,
/// administrator, administrator's token with all scopes, service
pub(crate) fn table() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let victim = || api::AccountRequest { login: "victim".into() };
    let token = || api::TokenRequest { token: "ci".into(), owner: "victim".into() };
    let sign_in = api::SignInRequest { login: LOGIN.into(), password: PASSWORD.into(), note: String::new() };
    let authorize = api::AuthorizeRequest {
        login: LOGIN.into(),
        password: PASSWORD.into(),
        client_id: "here".into(),
        redirect_uri: "http://127.0.0.1:1/".into(),
        code_challenge: "A".repeat(43),
    };
    let exchange = api::ExchangeCodeRequest { code: "none".into(), ..Default::default() };
    let password =
        api::ChangePasswordRequest { login: "victim".into(), password: "victim has a password".into() };
    let create = api::CreateAccountRequest {
        login: "made-by-anyone".into(),
        password: "12345678".into(),
        ..Default::default()
    };
    let issue = api::IssueTokenRequest { owner: "victim".into(), ..reader("more", "open") };
    let list = api::ListTokensRequest { owner: "victim".into(), ..Default::default() };
    let revoke =
        api::RevokeTokenRequest { token: "none".into(), owner: "victim".into(), ..Default::default() };
    let explain = api::ExplainRequest {
        token: "ci".into(),
        owner: "victim".into(),
        action: "read".into(),
        channel: "open".into(),
    };
    let edit = api::EditTokenRequest { token: "ci".into(), owner: "victim".into(), ..Default::default() };
    let reissue =
        api::ReissueTokenRequest { token: "ci".into(), owner: "victim".into(), ..Default::default() };
    let owners = api::SetOwnersRequest { login: "victim".into(), owners: vec!["other".into()] };
    let subscribe = SubscribeRequest { from_seq: 1, until_now: true, ..SubscribeRequest::default() };
    let default_channel = api::SetDefaultChannelRequest { login: "victim".into(), channel: "open".into() };
    let mut rows = vec![
        ("latchkey.auth.v1.Auth/SignIn", "+++++++++++", sign_in.encode_to_vec()),
        ("latchkey.auth.v1.Auth/Authorize", "+++++++++++", authorize.encode_to_vec()),
        ("latchkey.auth.v1.Auth/ExchangeCode", "+++++++++++", exchange.encode_to_vec()),
        ("latchkey.auth.v1.Auth/WhoAmI", "11111++++++", vec![]),
        ("latchkey.auth.v1.Auth/CreateAccount", "11111333++3", create.encode_to_vec()),
        ("latchkey.auth.v1.Auth/DisableAccount", "11111333++3", victim().encode_to_vec()),
        ("latchkey.auth.v1.Auth/EnableAccount", "11111333++3", victim().encode_to_vec()),
        ("latchkey.auth.v1.Auth/ChangePassword", "11111333++3", password.encode_to_vec()),
        ("latchkey.auth.v1.Auth/DescribeAccounts", "1111133+++3", vec![]),
        ("latchkey.auth.v1.Auth/FindAccount", "1111133+++3", victim().encode_to_vec()),
        ("latchkey.auth.v1.Auth/IssueToken", "11111333++3", issue.encode_to_vec()),
        ("latchkey.auth.v1.Auth/EditToken", "11111333++3", edit.encode_to_vec()),
        ("latchkey.auth.v1.Auth/ReissueToken", "11111333++3", reissue.encode_to_vec()),
        ("latchkey.auth.v1.Auth/EndOverlap", "11111333++3", token().encode_to_vec()),
        ("latchkey.auth.v1.Auth/IdentifyTokens", "1111133++++", vec![]),
        ("latchkey.auth.v1.Auth/ListScopes", "11111++++++", vec![]),
        ("latchkey.auth.v1.Auth/SetOwners", "11111333++3", owners.encode_to_vec()),
        ("latchkey.auth.v1.Auth/SetDefaultChannel", "11111333++3", default_channel.encode_to_vec()),
        ("latchkey.auth.v1.Auth/ListTokens", "11111333++3", list.encode_to_vec()),
        ("latchkey.auth.v1.Auth/ShowToken", "11111333++3", token().encode_to_vec()),
        ("latchkey.auth.v1.Auth/RevokeToken", "11111333++3", revoke.encode_to_vec()),
        ("latchkey.auth.v1.Auth/Explain", "11111333++3", explain.encode_to_vec()),
        ("latchkey.events.v1.Events/Subscribe", "11111333++3", subscribe.encode_to_vec()),
        ("latchkey.status.v1.Status/Show", "11111333++3", vec![]),
    ];
    rows.extend(roles());
    rows.extend(feeds());
    rows
}

/// The same of roles.
fn roles() -> [(&'static str, &'static str, Vec<u8>); 7] {
    let role = || api::RoleRequest { role: "none".into() };
    let made = api::CreateRoleRequest { name: "made".into(), ..Default::default() };
    let changed = api::ChangeRoleRequest { role: "none".into(), ..Default::default() };
    let held =
        || api::RoleHolderRequest { role: "none".into(), login: "victim".into(), ..Default::default() };
    [
        ("latchkey.auth.v1.Auth/ListRoles", "11111333++3", vec![]),
        ("latchkey.auth.v1.Auth/ShowRole", "11111333++3", role().encode_to_vec()),
        ("latchkey.auth.v1.Auth/CreateRole", "11111333++3", made.encode_to_vec()),
        ("latchkey.auth.v1.Auth/ChangeRole", "11111333++3", changed.encode_to_vec()),
        ("latchkey.auth.v1.Auth/DeleteRole", "11111333++3", role().encode_to_vec()),
        ("latchkey.auth.v1.Auth/AssignRole", "11111333++3", held().encode_to_vec()),
        ("latchkey.auth.v1.Auth/UnassignRole", "11111333++3", held().encode_to_vec()),
    ]
}

/// The same of what only services may call.
fn feeds() -> [(&'static str, &'static str, Vec<u8>); 3] {
    let hello = Hello {
        follower: "gateway".into(),
        incarnation: uuid::Uuid::from_u128(1).to_string(),
        ..Hello::default()
    };
    let renew = RenewRequest {
        holder: hello.follower.clone(),
        incarnation: hello.incarnation.clone(),
        ..RenewRequest::default()
    };
    let hello = FollowerMessage { message: Some(follower_message::Message::Hello(hello)) };
    [
        ("latchkey.feed.v1.Feed/Follow", "1111133333+", hello.encode_to_vec()),
        ("latchkey.feed.v1.Feed/Renew", "1111133333+", renew.encode_to_vec()),
        (
            "latchkey.feed.v1.Feed/AwaitApplied",
            "1111133333+",
            AwaitAppliedRequest { seq: 1, hides: false }.encode_to_vec(),
        ),
    ]
}

pub(crate) async fn callers(lab: &Lab) -> Vec<(&'static str, String)> {
    let admin = lab.admin().await;
    for login in ["victim", "other", "gone"] {
        crate::account::make(lab, &admin, login).await;
    }
    lab.make_channel("open", lab.account_id(&admin).await, Privacy::Public).await;
    let session =
        async |login: &str| lab.sign_in(login, &format!("{login} has a password")).await.unwrap().secret;
    let (other, revoked, disabled, victim) =
        (session("other").await, session("other").await, session("gone").await, session("victim").await);
    lab.client(&victim).issue_token(reader("ci", "open")).await.unwrap();
    lab.client(&revoked).revoke_token(api::RevokeTokenRequest::default()).await.unwrap();
    lab.client(&admin).disable_account(api::AccountRequest { login: "gone".into() }).await.unwrap();
    let resource = lab.client(&other).issue_token(reader("mine", "open")).await.unwrap().into_inner().secret;
    let scoped = async |name: &str, scope: &str| {
        lab.client(&admin).issue_token(crate::lab::scoped(name, &[scope])).await.unwrap().into_inner().secret
    };
    let (downloads, all) = (scoped("downloads", "repos").await, scoped("all", "all").await);
    vec![
        ("nobody", String::new()),
        ("garbage", "not-a-token".into()),
        ("unknown", token_string::mint(Kind::Session, [5; 32])),
        ("revoked", revoked),
        ("disabled", disabled),
        ("resource token", resource),
        ("downloads", downloads),
        ("somebody else", other),
        ("administrator", admin),
        ("all scopes", all),
        ("service", lab.service("gateway").to_owned()),
    ]
}

#[tokio::test]
async fn every_rpc_answers_every_kind_of_caller_as_the_table_says() {
    let lab = Lab::start().await;
    let callers = callers(&lab).await;
    let mut wrong = vec![];
    for (method, answers, request) in table() {
        assert_eq!(answers.len(), callers.len(), "{method}");
        for ((caller, secret), expected) in callers.iter().zip(answers.chars()) {
            let code = call(&lab, method, secret, &request).await.err().map(|status| status.code());
            let answer = match code {
                Some(Code::Unauthenticated) => '1',
                Some(Code::PermissionDenied) => '3',
                _ => '+',
            };
            if answer != expected {
                wrong.push(format!("{method} for {caller}: {answer} ({code:?}), expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_rpc_is_missing_in_the_table() {
    let described = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
    let mut served = BTreeSet::new();
    for file in &described.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            if OURS.contains(&name.as_str()) {
                served.extend(service.method.iter().map(|method| format!("{name}/{}", method.name())));
            }
        }
    }
    let listed = table().into_iter().map(|(method, _, _)| method.to_owned()).collect();
    assert_eq!(served, listed, "a new RPC needs a row that says who may call it");
}

/// Sends one message to any method and waits for the first answer.
pub(crate) async fn call(lab: &Lab, method: &str, secret: &str, message: &[u8]) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(lab.channel());
    grpc.ready().await.unwrap();
    // Open for as long as the answer is awaited: a follower that hangs up is not answered.
    let (sender, messages) = tokio::sync::mpsc::channel(1);
    sender.send(Bytes::copy_from_slice(message)).await.unwrap();
    let open = method.ends_with("/Follow").then_some(sender);
    let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(messages));
    if !secret.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    }
    let path = format!("/{method}").parse().unwrap();
    let mut answers = grpc.streaming(request, path, Raw).await?.into_inner();
    answers.message().await?;
    drop(open);
    Ok(())
}

/// Messages as bytes.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
