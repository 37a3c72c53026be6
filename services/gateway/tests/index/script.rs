//! The rows, the access table and the feed that the tests of the indexes move by hand.

use std::sync::{Arc, Mutex};

use access::{Action, Caller, View};
use feed::client::AccessView;
use gateway::index::Rows;
use names::{AccountId, ArtifactId, ChannelId, LabelName, PackageId, PackageKind, Subdir, TokenId};
use proto::event::v1::{
    AccountCreated, AccountKind, ChannelCreated, Envelope, Event, PackageCreated, PackageKind as Kind,
    Privacy, TokenIssued, TokenKind, event,
};
use proto::feed::v1::ContentChange;
use readmodel::ArtifactRow;
use runtime::Failure;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

pub(crate) const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(1));

/// The channel's owner, and a session of theirs.
const OWNER: AccountId = AccountId(Uuid::from_u128(2));
const SESSION: TokenId = TokenId(Uuid::from_u128(3));
pub(crate) const OWNERS: Caller = Caller::Token { token: SESSION, account: OWNER };

/// Reads at one time, more than any test needs.
pub(crate) const READS_MAX: u32 = 1000;

/// A read model that a test moves by hand.
#[derive(Clone)]
pub(crate) struct Script(pub(crate) Arc<World>);

pub(crate) struct World {
    pub(crate) checkpoint: watch::Sender<u64>,
    rows: Mutex<Vec<ArtifactRow>>,
    reads: Mutex<Vec<String>>,
    /// One permit per read; a test that holds them all holds every read.
    pub(crate) gate: Semaphore,
    away: Mutex<bool>,
    pub(crate) access: AccessView,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self(Arc::new(World {
            checkpoint: watch::Sender::new(0),
            rows: Mutex::default(),
            reads: Mutex::default(),
            gate: Semaphore::new(READS_MAX as usize),
            away: Mutex::new(false),
            access: access(),
        }))
    }

    /// The projector applies a change; gives what the content feed says of it. A package that is new is a public one.
    pub(crate) fn apply(&self, row: &ArtifactRow, listed: bool) -> ContentChange {
        if self.0.access.read(|table| table.package(CHANNEL, row.kind, &row.name).is_none()) {
            self.package(row.kind, &row.name, false);
        }
        let seq = *self.0.checkpoint.borrow() + 1;
        let mut rows = self.0.rows.lock().unwrap();
        rows.retain(|other| other.filename != row.filename || other.subdir != row.subdir);
        if listed {
            rows.push(row.clone());
        }
        drop(rows);
        self.0.checkpoint.send_replace(seq);
        change(row, seq)
    }

    /// AUTHZ says that a package is there.
    pub(crate) fn package(&self, kind: PackageKind, name: &str, private: bool) {
        let kind = stored(kind).into();
        let (package_id, channel_id) = (id(name).to_bytes(), CHANNEL.to_bytes());
        let created = PackageCreated { package_id, channel_id, kind, name: name.into(), private };
        fact(&self.0.access, event::Event::PackageCreated(created));
    }

    /// What this caller sees of the channel now.
    pub(crate) fn sees(&self, caller: &Caller) -> View {
        self.0.access.read(|table| table.view(caller, Action::CondaDownload, CHANNEL))
    }

    pub(crate) fn set_away(&self, away: bool) {
        *self.0.away.lock().unwrap() = away;
    }

    pub(crate) fn reads(&self) -> Vec<String> {
        std::mem::take(&mut self.0.reads.lock().unwrap())
    }

    async fn read(
        &self,
        what: String,
        wanted: impl Fn(&ArtifactRow) -> bool,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        self.0.reads.lock().unwrap().push(what);
        let _permit = self.0.gate.acquire().await.unwrap();
        if *self.0.away.lock().unwrap() {
            return Err(Failure::unavailable("away"));
        }
        let rows = self.0.rows.lock().unwrap().iter().filter(|row| wanted(row)).cloned().collect();
        Ok((*self.0.checkpoint.borrow(), rows))
    }
}

impl Rows for Script {
    async fn wait(&self, seq: u64) -> Result<(), Failure> {
        if *self.0.away.lock().unwrap() {
            return Err(Failure::unavailable("away"));
        }
        self.0.checkpoint.subscribe().wait_for(|reached| *reached >= seq).await.unwrap();
        Ok(())
    }

    async fn all(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        let of = |row: &ArtifactRow| {
            row.channel_id == channel && row.kind == kind && subdir.is_none_or(|subdir| row.subdir == subdir)
        };
        self.read(format!("all {}", subdir.unwrap_or("pypi")), of).await
    }

    async fn named(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        let of = |row: &ArtifactRow| row.channel_id == channel && row.kind == kind && row.name == name;
        self.read(format!("named {name}"), of).await
    }
}

pub(crate) fn change(row: &ArtifactRow, seq: u64) -> ContentChange {
    ContentChange {
        seq,
        channel_id: row.channel_id.to_bytes(),
        kind: stored(row.kind).into(),
        subdir: row.subdir.clone(),
        name: row.name.clone(),
        authz_seq: 0,
    }
}

fn row(kind: PackageKind, name: &str, version: &str, filename: String) -> ArtifactRow {
    ArtifactRow {
        artifact_id: ArtifactId(Uuid::from_u128(2)),
        package_id: id(name),
        channel_id: CHANNEL,
        kind,
        name: name.into(),
        subdir: String::new(),
        version: version.into(),
        build: "0".into(),
        build_number: 0,
        sha256: Sha256::digest(&filename).into(),
        md5: [0; 16],
        size: 1,
        record_json: format!(r#"{{"name":"{name}","version":"{version}"}}"#),
        run_exports_json: "{}".into(),
        channeldata_json: "{}".into(),
        indexed_timestamp_ms: 0,
        filetype: None,
        project: name.into(),
        requires_python: String::new(),
        metadata_sha256: None,
        metadata_size: 0,
        summary: String::new(),
        uploaded_at: OffsetDateTime::UNIX_EPOCH,
        seq: 0,
        authz_seq: 0,
        labels: [LabelName::main()].into(),
        filename,
    }
}

pub(crate) fn conda(name: &str, version: &str) -> ArtifactRow {
    ArtifactRow {
        subdir: "noarch".into(),
        ..row(PackageKind::Conda, name, version, format!("{name}-{version}-0.conda"))
    }
}

pub(crate) fn wheel(name: &str, version: &str) -> ArtifactRow {
    row(PackageKind::Pypi, name, version, format!("{name}-{version}-py3-none-any.whl"))
}

pub(crate) fn noarch() -> Subdir {
    Subdir::parse("noarch").unwrap()
}

/// A table with one public channel.
fn access() -> AccessView {
    let view = AccessView::new(Default::default());
    fact(
        &view,
        event::Event::AccountCreated(AccountCreated {
            account_id: OWNER.to_bytes(),
            kind: AccountKind::Person.into(),
            ..Default::default()
        }),
    );
    let (token_id, owner_id) = (SESSION.to_bytes(), OWNER.to_bytes());
    let kind = TokenKind::Session.into();
    fact(
        &view,
        event::Event::TokenIssued(TokenIssued {
            token_id,
            owner_id: owner_id.clone(),
            kind,
            ..Default::default()
        }),
    );
    let created = ChannelCreated {
        channel_id: CHANNEL.to_bytes(),
        name: "channel".into(),
        owner_id,
        privacy: Privacy::Public.into(),
        ..Default::default()
    };
    fact(&view, event::Event::ChannelCreated(created));
    view
}

/// The next thing that AUTHZ says.
pub(crate) fn fact(view: &AccessView, event: event::Event) {
    let events = vec![Event { event: Some(event) }];
    view.apply(view.seq() + 1, &Envelope { events, ..Envelope::default() }).unwrap();
}

fn stored(kind: PackageKind) -> Kind {
    match kind {
        PackageKind::Conda => Kind::Conda,
        PackageKind::Pypi => Kind::Pypi,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Kind::File,
    }
}

/// A package's id, the same for the table and the rows.
fn id(name: &str) -> PackageId {
    let digest = Sha256::digest(name);
    PackageId(Uuid::from_slice(&digest[..16]).unwrap())
}
