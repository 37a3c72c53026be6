//! Where an account's uploads go that name no channel: the channel it chose, else the one named after it.

use access::{Action, Table};
use names::{AccountId, ChannelId, Level, Login};
use runtime::{Code, Failure};

use super::{App, Changed};
use crate::call::Call;
use crate::domain::account::Command;
use crate::receipt::Change;

impl App {
    /// Chooses a channel that the account may upload to; none is the one named after the account again. Gives its name.
    pub async fn set_default_channel(
        &self,
        call: &Call,
        login: Option<&Login>,
        channel: Option<&str>,
    ) -> Result<Changed<String>, Failure> {
        let target = self.target(call, login, Action::DefaultChannelEdit).await?;
        let channel = channel.map(|name| self.choosable(target, name)).transpose()?;
        let command = Command::SetDefaultChannel { channel };
        let changed = self.change(call, target, Action::DefaultChannelEdit, command, Change::Widens).await?;
        let shown = self.default_channel(target, &changed.shown.login);
        Ok(Changed { seq: changed.seq, receipt: changed.receipt, shown })
    }

    /// The name of the channel, there or not: one named after an account is made when somebody signs in as to
    /// Anaconda's products.
    pub(super) fn default_channel(&self, account: AccountId, login: &str) -> String {
        self.view.read(|table| chosen(table, account).unwrap_or_else(|| login.to_owned()))
    }

    /// A channel that the account may upload to. Of any other it is not told whether it is there.
    fn choosable(&self, account: AccountId, name: &str) -> Result<ChannelId, Failure> {
        let found = self.view.read(|table| {
            let channel = table.channel_named(name)?;
            (table.account_level(account, channel.id) >= Some(Level::Write)).then_some(channel.id)
        });
        found.ok_or_else(|| {
            let words = "there is no channel of this name that this account may upload to: \
                         a default channel is one on which it holds write or manage";
            Failure::new(Code::NotFound, words)
        })
    }
}

/// The channel that an account chose, while it is there and the account holds something on it.
fn chosen(table: &Table, account: AccountId) -> Option<String> {
    let channel = table.channel(table.account(account)?.default_channel?)?;
    table.account_level(account, channel.id)?;
    Some(channel.name.to_string())
}
