//! Packages: they exist from before their first file on.

use std::collections::BTreeMap;

use names::{ChannelId, PackageId, PackageKind};
use proto::event::v1::{self as stored, PackageCreated, PackageDeleted};
use readmodel::write::{PackageRow, Rows};
use serde_json::json;

use super::{
    Context, Folded,
    context::{change, text},
};

pub(crate) fn created(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &PackageCreated,
) -> Folded<()> {
    let id = PackageId::from_bytes(&event.package_id).map_err(|error| error.to_string())?;
    if rows.packages.contains_key(&id) {
        return Ok(());
    }
    let package = PackageRow {
        channel_id: ChannelId::from_bytes(&event.channel_id).map_err(|error| error.to_string())?,
        kind: match event.kind() {
            stored::PackageKind::Conda => PackageKind::Conda,
            stored::PackageKind::Pypi => PackageKind::Pypi,
            stored::PackageKind::Notebook => PackageKind::Notebook,
            stored::PackageKind::Environment => PackageKind::Environment,
            stored::PackageKind::File => PackageKind::File,
            stored::PackageKind::Unspecified => {
                return Err("a package of a kind that this release does not know".into());
            }
        },
        name: text(&event.name),
        private: event.private,
        grants: BTreeMap::new(),
        deleted_at: None,
        created_at: context.at,
        seq: context.seq,
    };
    let after = json!({
        "kind": package.kind.as_str(),
        "name": package.name,
        "package_id": id.to_string(),
        "private": package.private,
    });
    rows.history.push(context.history(
        package.channel_id,
        part,
        "package_created",
        &change(None, Some(after)),
    ));
    rows.packages.insert(id, package);
    Ok(())
}

pub(crate) fn deleted(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &PackageDeleted,
) -> Folded<()> {
    let id = PackageId::from_bytes(&event.package_id).map_err(|error| error.to_string())?;
    let live = rows.packages.get_mut(&id).filter(|package| package.deleted_at.is_none());
    if let Some(package) = live {
        package.deleted_at = Some(context.at);
        let before = json!({
            "kind": package.kind.as_str(),
            "name": package.name,
            "package_id": id.to_string(),
            "private": package.private,
        });
        let summary = change(Some(before), None);
        rows.history.push(context.history(package.channel_id, part, "package_deleted", &summary));
    }
    Ok(())
}
