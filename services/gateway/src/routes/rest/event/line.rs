//! A recorded envelope as JSON. Ids in their hyphenated form, digests in hex, times as RFC 3339.

use proto::event::v1::{
    self as stored, Access, AccessChanged, Actor, ArtifactPublished, Envelope, Event, NameReleased,
    NameTaken, TokenGrant, TokenIssued, access, access_changed, artifact_published, event, name_released,
    name_taken, role_holder,
};
use proto::events::v1::Recorded;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::routes::rest::vocabulary::{
    account_kind_word, indexing_word, level_word, privacy_word, role_levels, token_kind_word,
};

/// One line of the stream.
pub(super) fn document(recorded: Recorded) -> Value {
    let Some(told) = &recorded.envelope else {
        return json!({ "bookmark": recorded.seq, "epoch": recorded.epoch });
    };
    json!({
        "seq": recorded.seq,
        "epoch": recorded.epoch,
        "subject": recorded.subject,
        "void": recorded.void,
        "envelope": envelope(told),
    })
}

fn envelope(envelope: &Envelope) -> Value {
    json!({
        "event_id": id(&envelope.event_id),
        "time": time(envelope.time_us),
        "actor": envelope.actor.as_ref().map(actor),
        "authz_seq": envelope.authz_seq,
        "request_id": envelope.request_id,
        "original_seq": envelope.original_seq,
        "events": envelope.events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn actor(actor: &Actor) -> Value {
    json!({ "account_id": id(&actor.account_id), "token_id": id(&actor.token_id), "system": actor.system })
}

/// Flat: the type, and beside it what that type holds.
#[expect(clippy::too_many_lines, reason = "one list of all events, in which none can be forgotten")]
fn event(event: &Event) -> Value {
    let Some(event) = &event.event else { return json!({ "type": "Unknown" }) };
    let (name, mut fields) = match event {
        event::Event::AccountCreated(it) => (
            "AccountCreated",
            json!({ "account_id": id(&it.account_id), "kind": account_kind_word(it.kind()), "admin": it.admin,
                "owner_ids": ids(&it.owner_ids) }),
        ),
        event::Event::PasswordChanged(it) => ("PasswordChanged", json!({ "account_id": id(&it.account_id) })),
        event::Event::AccountDisabled(it) => {
            ("AccountDisabled", json!({ "account_id": id(&it.account_id), "reason": it.reason }))
        }
        event::Event::AccountEnabled(it) => ("AccountEnabled", json!({ "account_id": id(&it.account_id) })),
        event::Event::TokenIssued(it) => ("TokenIssued", token_issued(it)),
        event::Event::TokenRevoked(it) => {
            ("TokenRevoked", json!({ "token_id": id(&it.token_id), "reason": it.reason }))
        }
        event::Event::TokenEdited(it) => (
            "TokenEdited",
            json!({ "token_id": id(&it.token_id), "name": it.name, "description": it.description,
                "expires_at": time(it.expires_at_us) }),
        ),
        event::Event::TokenReissued(it) => (
            "TokenReissued",
            json!({ "token_id": id(&it.token_id), "older_end_at": time(it.older_end_at_us),
                "expires_at": time(it.expires_at_us) }),
        ),
        event::Event::TokenOverlapEnded(it) => ("TokenOverlapEnded", json!({ "token_id": id(&it.token_id) })),
        event::Event::TokenExpiryWarned(it) => (
            "TokenExpiryWarned",
            json!({ "token_id": id(&it.token_id), "expires_at": time(it.expires_at_us) }),
        ),
        event::Event::OwnersChanged(it) => {
            ("OwnersChanged", json!({ "account_id": id(&it.account_id), "owner_ids": ids(&it.owner_ids) }))
        }
        event::Event::NameTaken(it) => ("NameTaken", name_taken(it)),
        event::Event::NameReleased(it) => ("NameReleased", name_released(it)),
        event::Event::ChannelCreated(it) => ("ChannelCreated", channel_created(it)),
        event::Event::ChannelDescribed(it) => {
            ("ChannelDescribed", json!({ "channel_id": id(&it.channel_id), "description": it.description }))
        }
        event::Event::ChannelDeleted(it) => ("ChannelDeleted", json!({ "channel_id": id(&it.channel_id) })),
        event::Event::AccessChanged(it) => ("AccessChanged", access_changed(it)),
        event::Event::PackageCreated(it) => ("PackageCreated", package_created(it)),
        event::Event::PackageDeleted(it) => ("PackageDeleted", json!({ "package_id": id(&it.package_id) })),
        event::Event::GroupCreated(it) => ("GroupCreated", group_created(it)),
        event::Event::GroupChanged(it) => ("GroupChanged", group_changed(it)),
        event::Event::GroupMembersChanged(it) => ("GroupMembersChanged", group_members_changed(it)),
        event::Event::GroupDeleted(it) => ("GroupDeleted", json!({ "group_id": id(&it.group_id) })),
        event::Event::ArtifactPublished(it) => ("ArtifactPublished", artifact_published(it)),
        event::Event::ArtifactRemoved(it) => (
            "ArtifactRemoved",
            json!({ "artifact_id": id(&it.artifact_id), "subdir": it.subdir, "filename": it.filename }),
        ),
        event::Event::LabelsChanged(it) => (
            "LabelsChanged",
            json!({ "artifact_id": id(&it.artifact_id), "subdir": it.subdir, "filename": it.filename,
                "labels": it.labels.as_ref().map(|labels| &labels.names) }),
        ),
        event::Event::IndexingChanged(it) => (
            "IndexingChanged",
            json!({ "channel_id": id(&it.channel_id), "before": indexing_word(it.before()),
                "after": indexing_word(it.after()) }),
        ),
        event::Event::DefaultChannelChanged(it) => (
            "DefaultChannelChanged",
            json!({ "account_id": id(&it.account_id), "before_channel_id": id(&it.before_channel_id),
                "after_channel_id": id(&it.after_channel_id) }),
        ),
        event::Event::RoleCreated(it) => ("RoleCreated", role_created(it)),
        event::Event::RoleChanged(it) => ("RoleChanged", role_changed(it)),
        event::Event::RoleAssigned(it) => ("RoleAssigned", role_held(&it.role_id, it.holder.as_ref())),
        event::Event::RoleUnassigned(it) => ("RoleUnassigned", role_held(&it.role_id, it.holder.as_ref())),
        event::Event::RoleDeleted(it) => ("RoleDeleted", json!({ "role_id": id(&it.role_id) })),
        event::Event::LabelLockChanged(it) => (
            "LabelLockChanged",
            json!({ "channel_id": id(&it.channel_id), "label": it.label, "locked": it.locked }),
        ),
    };
    fields["type"] = json!(name);
    fields
}

fn channel_created(it: &stored::ChannelCreated) -> Value {
    json!({ "channel_id": id(&it.channel_id), "name": it.name, "owner_id": id(&it.owner_id),
        "privacy": privacy_word(it.privacy()), "description": it.description,
        "parent_id": id(&it.parent_id) })
}

fn group_created(it: &stored::GroupCreated) -> Value {
    json!({ "group_id": id(&it.group_id), "organisation_id": id(&it.organisation_id), "name": it.name,
        "description": it.description, "level": level_word(it.level()) })
}

fn group_changed(it: &stored::GroupChanged) -> Value {
    json!({ "group_id": id(&it.group_id), "name": it.name, "description": it.description,
        "level": level_word(it.level()) })
}

fn group_members_changed(it: &stored::GroupMembersChanged) -> Value {
    json!({ "group_id": id(&it.group_id), "added_ids": ids(&it.added_ids),
        "removed_ids": ids(&it.removed_ids) })
}

fn role_created(it: &stored::RoleCreated) -> Value {
    json!({ "role_id": id(&it.role_id), "name": it.name, "description": it.description,
        "levels": role_levels(&it.levels) })
}

fn role_changed(it: &stored::RoleChanged) -> Value {
    json!({ "role_id": id(&it.role_id), "name": it.name, "description": it.description,
        "before": role_levels(&it.before), "after": role_levels(&it.after) })
}

fn role_held(role: &[u8], holder: Option<&stored::RoleHolder>) -> Value {
    let mut fields = match holder.and_then(|holder| holder.holder.as_ref()) {
        Some(role_holder::Holder::AccountId(account)) => json!({ "account_id": id(account) }),
        Some(role_holder::Holder::GroupId(group)) => json!({ "group_id": id(group) }),
        None => json!({}),
    };
    fields["role_id"] = json!(id(role));
    fields
}

fn package_created(it: &stored::PackageCreated) -> Value {
    json!({ "package_id": id(&it.package_id), "channel_id": id(&it.channel_id),
        "kind": package_kind_word(it.kind()), "name": it.name, "private": it.private })
}

fn token_issued(it: &TokenIssued) -> Value {
    let grant = |grant: &TokenGrant| json!({ "channel_id": id(&grant.channel_id), "level": level_word(grant.level()) });
    json!({
        "token_id": id(&it.token_id),
        "owner_id": id(&it.owner_id),
        "kind": token_kind_word(it.kind()),
        "name": it.name,
        "description": it.description,
        "expires_at": time(it.expires_at_us),
        "grants": it.grants.iter().map(grant).collect::<Vec<_>>(),
        "scopes": it.scopes,
        "maker_token_id": id(&it.maker_token_id),
    })
}

fn name_taken(it: &NameTaken) -> Value {
    match &it.holder {
        Some(name_taken::Holder::AccountId(account)) => json!({ "account_id": id(account) }),
        Some(name_taken::Holder::Channel(channel)) => {
            json!({ "channel_id": id(&channel.channel_id), "owner_id": id(&channel.owner_id) })
        }
        None => json!({}),
    }
}

fn name_released(it: &NameReleased) -> Value {
    match &it.holder {
        Some(name_released::Holder::AccountId(account)) => json!({ "account_id": id(account) }),
        Some(name_released::Holder::ChannelId(channel)) => json!({ "channel_id": id(channel) }),
        None => json!({}),
    }
}

fn access_changed(it: &AccessChanged) -> Value {
    let mut fields = match &it.object {
        Some(access_changed::Object::ChannelId(channel)) => json!({ "channel_id": id(channel) }),
        Some(access_changed::Object::PackageId(package)) => json!({ "package_id": id(package) }),
        None => json!({}),
    };
    fields["subject"] = match &it.subject {
        Some(access_changed::Subject::Everyone(_)) => json!("everyone"),
        Some(access_changed::Subject::AccountId(account)) => json!(id(account)),
        Some(access_changed::Subject::GroupId(group)) => json!({ "group_id": id(group) }),
        None => Value::Null,
    };
    fields["before"] = it.before.as_ref().map_or(Value::Null, access_word);
    fields["after"] = it.after.as_ref().map_or(Value::Null, access_word);
    fields
}

fn access_word(it: &Access) -> Value {
    match it.access {
        Some(access::Access::Privacy(number)) => {
            stored::Privacy::try_from(number).map_or(Value::Null, |privacy| json!(privacy_word(privacy)))
        }
        Some(access::Access::Level(number)) => {
            stored::Level::try_from(number).map_or(Value::Null, |level| json!(level_word(level)))
        }
        None => Value::Null,
    }
}

fn artifact_published(it: &ArtifactPublished) -> Value {
    let mut fields = json!({
        "artifact_id": id(&it.artifact_id),
        "package_id": id(&it.package_id),
        "channel_id": id(&it.channel_id),
        "filename": it.filename,
        "sha256": hex::encode(&it.sha256),
        "size_bytes": it.size_bytes,
        "labels": it.labels.as_ref().map_or(vec!["main"], |labels| labels.names.iter().map(String::as_str).collect()),
    });
    match &it.detail {
        Some(artifact_published::Detail::Conda(conda)) => {
            fields["kind"] = json!("conda");
            fields["subdir"] = json!(conda.subdir);
            fields["name"] = json!(conda.name);
            fields["version"] = json!(conda.version);
            fields["build"] = json!(conda.build);
        }
        Some(artifact_published::Detail::Python(python)) => {
            fields["kind"] = json!("pypi");
            fields["name"] = json!(python.project);
            fields["version"] = json!(python.version);
        }
        Some(artifact_published::Detail::Plain(plain)) => {
            fields["kind"] = json!(package_kind_word(plain.kind()));
            fields["name"] = json!(plain.name);
            fields["version"] = json!(plain.version);
        }
        None => {}
    }
    fields
}

fn package_kind_word(kind: stored::PackageKind) -> &'static str {
    match kind {
        stored::PackageKind::Unspecified => "unknown",
        stored::PackageKind::Conda => "conda",
        stored::PackageKind::Pypi => "pypi",
        stored::PackageKind::Notebook => "notebook",
        stored::PackageKind::Environment => "environment",
        stored::PackageKind::File => "file",
    }
}

fn ids(ids: &[Vec<u8>]) -> Vec<Value> {
    ids.iter().map(|bytes| id(bytes)).collect()
}

/// An absent id is null.
fn id(bytes: &[u8]) -> Value {
    Uuid::from_slice(bytes).map_or(Value::Null, |id| json!(id.to_string()))
}

fn time(micros: i64) -> Value {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::event::v1::TokenSecret;

    #[test]
    fn a_token_is_shown_without_its_secrets() {
        let issued = TokenIssued {
            token_id: vec![1; 16],
            kind: stored::TokenKind::Resource.into(),
            name: "ci".into(),
            secrets: vec![TokenSecret { sha256: vec![0xab; 32], ends_at_us: 5 }],
            grants: vec![TokenGrant { channel_id: vec![2; 16], level: stored::Level::Read.into() }],
            ..TokenIssued::default()
        };
        let events = vec![Event { event: Some(event::Event::TokenIssued(issued)) }];
        let recorded = Recorded {
            seq: 7,
            envelope: Some(Envelope { events, ..Envelope::default() }),
            ..Recorded::default()
        };
        let shown = document(recorded);
        assert_eq!(shown["seq"], 7);
        assert_eq!(shown["envelope"]["time"], "1970-01-01T00:00:00Z");
        let event = &shown["envelope"]["events"][0];
        assert_eq!((&event["type"], &event["kind"]), (&json!("TokenIssued"), &json!("resource")));
        assert_eq!(event["grants"][0]["level"], "read");
        assert!(!shown.to_string().contains(&"ab".repeat(32)));
    }
}
