//! The rows of the status: one for each process, with what all who know of it say.

use std::collections::BTreeMap;

use proto::status::v1::{Follower, Standing};
use readmodel::ProjectorRow;
use serde::Serialize;

/// One process.
#[derive(Debug, Default, Serialize)]
pub(super) struct Replica {
    name: String,
    /// Absent for auth and catalog, which answer themselves.
    incarnation: Option<String>,
    version: String,
    /// `serving`, `following`, `lost`, `active` or `standby`.
    state: &'static str,
    authz: Option<Position>,
    catalog: Option<Position>,
    lease_age_ms: Option<u64>,
    /// How long it has been cut off.
    lost_ms: Option<u64>,
    /// What is known of its links to the two feeds.
    #[serde(skip)]
    links: [Link; 2],
}

/// To whichever replica it follows.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    /// One replica has it. Another may not have forgotten yet that it went away.
    stands: bool,
    lost_ms: Option<u64>,
}

/// How far somebody is in a log, and how much is left.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Position {
    seq: u64,
    lag: u64,
}

/// A projector that has said nothing for longer than this is not well.
const LATE_S: u64 = 15;

/// The last sequence of the log that they serve.
pub(super) fn end_of(standings: &[Standing]) -> u64 {
    standings.iter().map(|standing| standing.end_seq).max().unwrap_or_default()
}

/// The replicas of auth and catalog that answer, then whoever follows them, then the projectors.
pub(super) fn replicas(
    access: &[Standing],
    content: &[Standing],
    projectors: Vec<ProjectorRow>,
    applied: (u64, u64),
) -> Vec<Replica> {
    let ends = (end_of(access), end_of(content));
    let mut following = BTreeMap::<(String, String), Replica>::new();
    for (of_access, standing) in
        access.iter().map(|one| (true, one)).chain(content.iter().map(|one| (false, one)))
    {
        for follower in &standing.followers {
            let key = (follower.name.clone(), follower.incarnation.clone());
            let replica = following.entry(key).or_insert_with(|| unheard(follower));
            note(replica, follower, of_access, ends);
        }
    }
    let mut serving = Vec::new();
    for standing in access.iter().chain(content) {
        serving.push(server(standing, &mut following, ends.0));
    }
    let following = following.into_values().map(judged);
    let projectors = projectors.into_iter().map(|row| projector(row, applied, ends));
    serving.into_iter().chain(following).chain(projectors).collect()
}

/// One that answers. It holds a lease and follows like the others, and is one process.
fn server(standing: &Standing, following: &mut BTreeMap<(String, String), Replica>, end: u64) -> Replica {
    let replica = standing.replica.clone().unwrap_or_default();
    // An earlier life of it may still hold a lease; it has a row of its own.
    let own = following.iter().filter(|((name, _), _)| *name == replica.name);
    let own = own.min_by_key(|(_, row)| row.lease_age_ms.unwrap_or(u64::MAX)).map(|(key, _)| key.clone());
    let row = own.and_then(|key| following.remove(&key)).unwrap_or_default();
    Replica {
        name: replica.name,
        version: replica.version,
        state: "serving",
        authz: Some(position(replica.authz_seq, end)),
        lost_ms: None,
        ..row
    }
}

fn unheard(follower: &Follower) -> Replica {
    Replica {
        name: follower.name.clone(),
        incarnation: Some(follower.incarnation.clone()),
        state: "following",
        ..Replica::default()
    }
}

/// Adds what one replica knows. Only whom it follows knows its version; of the others it is known by its lease.
fn note(replica: &mut Replica, follower: &Follower, of_access: bool, ends: (u64, u64)) {
    if of_access {
        let seq = replica.authz.map_or(0, |known| known.seq).max(follower.applied_seq);
        replica.authz = Some(position(seq, ends.0));
        let ages = replica.lease_age_ms.into_iter().chain(follower.lease_age_ms);
        replica.lease_age_ms = ages.min();
    } else {
        let seq = replica.catalog.map_or(0, |known| known.seq).max(follower.applied_seq);
        replica.catalog = Some(position(seq, ends.1));
    }
    if replica.version.is_empty() {
        replica.version.clone_from(&follower.version);
    }
    let link = &mut replica.links[usize::from(!of_access)];
    link.lost_ms = link.lost_ms.max(follower.lost_ms);
    link.stands |= follower.lost_ms.is_none() && !follower.version.is_empty();
}

/// Whoever is lost to one feed is not well.
fn judged(mut replica: Replica) -> Replica {
    let lost = replica.links.iter().filter(|link| !link.stands).filter_map(|link| link.lost_ms).max();
    if lost.is_some() {
        (replica.state, replica.lost_ms) = ("lost", lost);
    }
    replica
}

fn projector(row: ProjectorRow, applied: (u64, u64), ends: (u64, u64)) -> Replica {
    Replica {
        name: row.name,
        incarnation: Some(row.incarnation.to_string()),
        version: row.version,
        state: match (row.age_s > LATE_S, row.active) {
            (true, _) => "lost",
            (false, true) => "active",
            (false, false) => "standby",
        },
        authz: row.active.then(|| position(applied.0, ends.0)),
        catalog: row.active.then(|| position(applied.1, ends.1)),
        lost_ms: (row.age_s > LATE_S).then_some(row.age_s * 1_000),
        ..Replica::default()
    }
}

/// What was asked at different moments may cross: nobody is ahead of the log.
fn position(seq: u64, end: u64) -> Position {
    Position { seq, lag: end.saturating_sub(seq) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn standing(name: &str, end_seq: u64, followers: Vec<Follower>) -> Standing {
        let replica = proto::status::v1::Replica { name: name.into(), version: "1".into(), authz_seq: 9 };
        Standing { replica: Some(replica), followers, end_seq, ..Standing::default() }
    }

    #[test]
    fn a_gateway_is_one_row_with_what_both_know_of_it() {
        let follower = |name: &str, applied_seq, lost_ms| Follower {
            name: name.into(),
            incarnation: "i".into(),
            version: "1".into(),
            applied_seq,
            lost_ms,
            lease_age_ms: Some(700),
        };
        let access = standing("auth", 10, vec![follower("catalog", 10, None), follower("gateway", 8, None)]);
        let content = standing("catalog", 5, vec![follower("gateway", 5, Some(3))]);
        let rows = replicas(&[access], &[content], Vec::new(), (0, 0));
        let shown = serde_json::to_value(&rows).unwrap();
        assert_eq!(shown.as_array().unwrap().len(), 3);
        assert_eq!((&shown[0]["name"], &shown[0]["authz"]["lag"]), (&json!("auth"), &json!(1)));
        assert_eq!((&shown[1]["name"], &shown[1]["lease_age_ms"]), (&json!("catalog"), &json!(700)));
        let gateway = &shown[2];
        assert_eq!((&gateway["authz"]["lag"], &gateway["catalog"]["lag"]), (&json!(2), &json!(0)));
        assert_eq!((&gateway["state"], &gateway["lost_ms"]), (&json!("lost"), &json!(3)));
        assert_eq!(gateway["lease_age_ms"], 700);
    }

    #[test]
    fn what_several_replicas_know_of_one_process_is_one_row() {
        let row = |name: &str, version: &str, lost_ms, lease_age_ms| Follower {
            name: name.into(),
            incarnation: "i".into(),
            version: version.into(),
            applied_seq: 9,
            lost_ms,
            lease_age_ms,
        };
        let left = vec![row("gateway-1", "1", Some(2_000), Some(900)), row("auth-1", "", None, Some(400))];
        let taken = vec![row("gateway-1", "1", None, Some(700)), row("auth-1", "", None, Some(500))];
        let access = [standing("auth-1", 10, left), standing("auth-2", 11, taken)];
        let rows = replicas(&access, &[standing("catalog", 5, Vec::new())], Vec::new(), (0, 0));
        let shown = serde_json::to_value(&rows).unwrap();
        assert_eq!(shown.as_array().unwrap().len(), 4, "{shown}");
        assert_eq!((&shown[0]["name"], &shown[0]["lease_age_ms"]), (&json!("auth-1"), &json!(400)));
        assert_eq!((&shown[0]["state"], &shown[0]["authz"]["lag"]), (&json!("serving"), &json!(2)));
        let gateway = &shown[3];
        assert_eq!((&gateway["state"], &gateway["version"]), (&json!("following"), &json!("1")));
        assert_eq!((&gateway["lease_age_ms"], &gateway["lost_ms"]), (&json!(700), &json!(null)));
    }
}
