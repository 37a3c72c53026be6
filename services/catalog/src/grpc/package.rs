//! Packages between the contract and the use cases.

use proto::catalog::v1 as api;
use runtime::Failure;

use super::{catalog, invalid};
use crate::app::{PackageChange, PackageRef};
use crate::events::{kind_to_stored, level_to_stored};

pub(super) fn which(package: Option<api::PackageRequest>) -> Result<PackageRef, Failure> {
    let package = package.ok_or_else(|| invalid("say which package: its channel, kind and name"))?;
    let kind = catalog::kind(package.kind())?;
    let name = kind.normal(&package.name).map_err(invalid)?;
    Ok(PackageRef { channel: package.channel, kind, name })
}

pub(super) fn reply(change: PackageChange) -> api::PackageReply {
    let package = change.package;
    let shown = api::Package {
        id: package.id.to_string(),
        channel: package.which.channel,
        kind: kind_to_stored(package.which.kind).into(),
        name: package.which.name,
        private: package.private,
        level: level_to_stored(package.level).into(),
        grants: package.grants.into_iter().map(catalog::held).collect(),
    };
    api::PackageReply {
        package: Some(shown),
        authz_seq: change.authz_seq,
        receipt: Some(change.receipt),
        created: change.created,
    }
}
