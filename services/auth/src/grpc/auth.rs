//! `latchkey.auth.v1.Auth`.

use std::sync::Arc;

use access::{Action, Object};
use proto::auth::v1::auth_server::{Auth, AuthServer};
use proto::auth::v1::{
    Account, AccountRequest, AuthorizeReply, AuthorizeRequest, ChangePasswordRequest, ChangeRoleRequest,
    CreateAccountRequest, CreateRoleRequest, DefaultChannelReply, DescribeAccountsReply,
    DescribeAccountsRequest, EditTokenRequest, ExchangeCodeRequest, ExplainReply, ExplainRequest,
    IdentifyTokensReply, IdentifyTokensRequest, IssueTokenRequest, IssuedToken, ListRolesReply,
    ListRolesRequest, ListScopesReply, ListScopesRequest, ListTokensReply, ListTokensRequest,
    ReissueTokenRequest, RevokeTokenRequest, Revoked, Role, RoleHolderRequest, RoleReply, RoleRequest,
    SetDefaultChannelRequest, SetOwnersRequest, SignInRequest, Token, TokenRequest, WhoAmIReply,
    WhoAmIRequest,
};
use runtime::{Code, Failure, Secret};
use tonic::{Request, Response, Status};

use super::{answer, parse, role};
use crate::app::App;
use crate::call::Call;

/// The service over the use cases.
pub struct Rpc(Arc<App>);

impl Rpc {
    /// Ready to be added to a server.
    pub fn server(app: Arc<App>) -> AuthServer<Self> {
        AuthServer::new(Self(app)).max_decoding_message_size(runtime::grpc::MAX_MESSAGE_BYTES)
    }
}

impl Rpc {
    async fn taken<T>(&self, request: Request<T>) -> (Call, T) {
        self.0.until_leased().await;
        (Call::of(request.metadata()), request.into_inner())
    }
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Auth for Rpc {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Reply<IssuedToken> {
        let (call, request) = self.taken(request).await;
        let issued = self.0.sign_in(&call, parse::sign_in(request)?).await?;
        Ok(Response::new(answer::issued(issued)))
    }

    async fn authorize(&self, request: Request<AuthorizeRequest>) -> Reply<AuthorizeReply> {
        let code = self.0.authorize(parse::authorize(request.into_inner())?).await?;
        Ok(Response::new(AuthorizeReply { code: code.expose().to_owned() }))
    }

    async fn exchange_code(&self, request: Request<ExchangeCodeRequest>) -> Reply<IssuedToken> {
        let (call, request) = self.taken(request).await;
        let issued = self.0.exchange(&call, parse::exchange(request)?).await?;
        Ok(Response::new(answer::issued(issued)))
    }

    async fn who_am_i(&self, request: Request<WhoAmIRequest>) -> Reply<WhoAmIReply> {
        let (call, _) = self.taken(request).await;
        let myself = self.0.who_am_i(&call).await?;
        Ok(Response::new(WhoAmIReply {
            account: Some(answer::account(myself.account)),
            default_channel: myself.default_channel,
            roles: myself.roles,
            token: myself.token.map(answer::token),
        }))
    }

    async fn create_account(&self, request: Request<CreateAccountRequest>) -> Reply<Account> {
        let (call, request) = self.taken(request).await;
        let created = self.0.create_account(&call, parse::new_account(request)?).await?;
        Ok(Response::new(answer::created(created)))
    }

    async fn disable_account(&self, request: Request<AccountRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let disabled = self.0.disable_account(&call, &parse::login(&request.login)?).await?;
        Ok(Response::new(answer::confirmed(disabled)))
    }

    async fn enable_account(&self, request: Request<AccountRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let enabled = self.0.enable_account(&call, &parse::login(&request.login)?).await?;
        Ok(Response::new(answer::confirmed(enabled)))
    }

    async fn change_password(&self, request: Request<ChangePasswordRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let login = parse::owner(&request.login)?;
        let password = Secret::new(request.password);
        let changed = self.0.change_password(&call, login.as_ref(), password).await?;
        Ok(Response::new(answer::confirmed(changed)))
    }

    async fn describe_accounts(
        &self,
        request: Request<DescribeAccountsRequest>,
    ) -> Reply<DescribeAccountsReply> {
        let (call, request) = self.taken(request).await;
        let accounts = self.0.describe_accounts(&call, &parse::account_ids(&request.ids)?).await?;
        let accounts = accounts.into_iter().map(answer::account).collect();
        Ok(Response::new(DescribeAccountsReply { accounts }))
    }

    async fn find_account(&self, request: Request<AccountRequest>) -> Reply<Account> {
        let (call, request) = self.taken(request).await;
        let account = self.0.find_account(&call, &parse::login(&request.login)?).await?;
        Ok(Response::new(answer::account(account)))
    }

    async fn issue_token(&self, request: Request<IssueTokenRequest>) -> Reply<IssuedToken> {
        let (call, request) = self.taken(request).await;
        let issued = self.0.issue_token(&call, parse::new_token(request)?).await?;
        Ok(Response::new(answer::issued(issued)))
    }

    async fn edit_token(&self, request: Request<EditTokenRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let edited = self.0.edit_token(&call, parse::edit(request)?).await?;
        Ok(Response::new(answer::revoked(edited)))
    }

    async fn reissue_token(&self, request: Request<ReissueTokenRequest>) -> Reply<IssuedToken> {
        let (call, request) = self.taken(request).await;
        let reissued = self.0.reissue_token(&call, parse::reissue(request)?).await?;
        Ok(Response::new(answer::issued(reissued)))
    }

    async fn end_overlap(&self, request: Request<TokenRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let owner = parse::owner(&request.owner)?;
        let ended = self.0.end_overlap(&call, &request.token, owner.as_ref()).await?;
        Ok(Response::new(answer::revoked(ended)))
    }

    async fn identify_tokens(&self, request: Request<IdentifyTokensRequest>) -> Reply<IdentifyTokensReply> {
        let (call, request) = self.taken(request).await;
        let found = self.0.identify_tokens(&call, &parse::hashes(&request)?).await?;
        Ok(Response::new(IdentifyTokensReply { tokens: found.into_iter().map(answer::token).collect() }))
    }

    async fn list_scopes(&self, request: Request<ListScopesRequest>) -> Reply<ListScopesReply> {
        let (call, _) = self.taken(request).await;
        self.0.allow(&call, Action::WhoAmI, &Object::Server)?;
        Ok(Response::new(answer::scopes()))
    }

    async fn set_owners(&self, request: Request<SetOwnersRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let (login, owners) = (parse::login(&request.login)?, parse::logins(&request.owners)?);
        let changed = self.0.set_owners(&call, &login, &owners).await?;
        Ok(Response::new(answer::confirmed(changed)))
    }

    async fn set_default_channel(
        &self,
        request: Request<SetDefaultChannelRequest>,
    ) -> Reply<DefaultChannelReply> {
        let (call, request) = self.taken(request).await;
        let login = parse::owner(&request.login)?;
        let channel = Some(request.channel.as_str()).filter(|name| !name.is_empty());
        let changed = self.0.set_default_channel(&call, login.as_ref(), channel).await?;
        Ok(Response::new(DefaultChannelReply { channel: changed.shown, authz_seq: changed.seq }))
    }

    async fn list_roles(&self, request: Request<ListRolesRequest>) -> Reply<ListRolesReply> {
        let (call, _) = self.taken(request).await;
        let roles = self.0.list_roles(&call)?;
        Ok(Response::new(ListRolesReply { roles: roles.into_iter().map(role::role).collect() }))
    }

    async fn show_role(&self, request: Request<RoleRequest>) -> Reply<Role> {
        let (call, request) = self.taken(request).await;
        Ok(Response::new(role::with_holders(self.0.show_role(&call, &request.role).await?)))
    }

    async fn create_role(&self, request: Request<CreateRoleRequest>) -> Reply<RoleReply> {
        let (call, request) = self.taken(request).await;
        let (name, levels) = (role::name(&request.name)?, role::levels(&request.levels)?);
        let changed = self.0.create_role(&call, name, request.description, levels).await?;
        Ok(Response::new(role::changed(changed)))
    }

    async fn change_role(&self, request: Request<ChangeRoleRequest>) -> Reply<RoleReply> {
        let (call, request) = self.taken(request).await;
        let changed = self.0.edit_role(&call, &request.role, role::changes(&request)?).await?;
        Ok(Response::new(role::changed(changed)))
    }

    async fn delete_role(&self, request: Request<RoleRequest>) -> Reply<RoleReply> {
        let (call, request) = self.taken(request).await;
        Ok(Response::new(role::changed(self.0.delete_role(&call, &request.role).await?)))
    }

    async fn assign_role(&self, request: Request<RoleHolderRequest>) -> Reply<RoleReply> {
        let (call, request) = self.taken(request).await;
        let changed = self.0.assign_role(&call, &request.role, role::whom(&request)?).await?;
        Ok(Response::new(role::changed(changed)))
    }

    async fn unassign_role(&self, request: Request<RoleHolderRequest>) -> Reply<RoleReply> {
        let (call, request) = self.taken(request).await;
        let changed = self.0.unassign_role(&call, &request.role, role::whom(&request)?).await?;
        Ok(Response::new(role::changed(changed)))
    }

    async fn list_tokens(&self, request: Request<ListTokensRequest>) -> Reply<ListTokensReply> {
        let (call, request) = self.taken(request).await;
        let listed = self.0.list_tokens(&call, parse::token_query(request)?).await?;
        Ok(Response::new(ListTokensReply {
            tokens: listed.tokens.into_iter().map(answer::token).collect(),
            next_page_token: hex::encode(listed.next),
            total: listed.total,
        }))
    }

    async fn show_token(&self, request: Request<TokenRequest>) -> Reply<Token> {
        let (call, request) = self.taken(request).await;
        if request.token.is_empty() {
            return Err(Failure::new(Code::Invalid, "name the token to show").into());
        }
        let shown = self.0.show(&call, &request.token, parse::owner(&request.owner)?.as_ref()).await?;
        Ok(Response::new(answer::token(shown)))
    }

    async fn revoke_token(&self, request: Request<RevokeTokenRequest>) -> Reply<Revoked> {
        let (call, request) = self.taken(request).await;
        let owner = parse::owner(&request.owner)?;
        let reason = parse::text("reason", request.reason)?;
        let revoked = self.0.revoke_token(&call, &request.token, owner.as_ref(), &reason).await?;
        Ok(Response::new(answer::revoked(revoked)))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Reply<ExplainReply> {
        let (call, request) = self.taken(request).await;
        let answer = self.0.explain(&call, parse::question(request)?).await?;
        Ok(Response::new(ExplainReply {
            allowed: answer.allowed,
            words: answer.words,
            token: Some(answer::token(answer.shown)),
            authz_seq: answer.seq,
        }))
    }
}
