//! What every kind of caller gets from every route: the refusals table of the design, section 8, row by row.
//!
//! The gateway's own test walks it over a table in memory, the cluster's over real services.

use gateway::{Family, Needs, Route};

/// Who asks. A token's grants are on all three channels that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// No credential.
    Nobody,
    /// The checksum does not hold.
    Garbage,
    /// A string of the right shape that was never issued.
    Unknown,
    /// A resource token past its end.
    Expired,
    /// A resource token that was revoked.
    Revoked,
    /// A resource token of a disabled account.
    Disabled,
    /// A resource token with read.
    Reader,
    /// With write.
    Writer,
    /// With manage.
    Manager,
    /// A resource token on another channel.
    Outsider,
    /// The session of somebody who owns none of them.
    Stranger,
    /// The session of their owner.
    Owner,
    /// An administrator's session.
    Admin,
}

/// Which channel the address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Public,
    Authenticated,
    Private,
    /// Never made.
    Missing,
}

/// How the credential is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Path,
    Header,
}

/// What must come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Whatever the handler answers, but no refusal.
    Pass,
    /// The same with `Conda-Token-Warning`.
    Warned,
    /// 401 with `WWW-Authenticate: Basic`.
    Asked,
    /// 403 that says what is missing.
    Forbidden,
}

/// Columns: nothing, listing; read on a public, authenticated, private, missing channel; write on the same; manage on the
/// same; own account, any live token, administrator. `P` pass, `W` pass with a warning, `A` 401, `F` 403, `D` a dead
/// credential: 401, on Python routes 403 if it stands in the path.
pub(crate) const TABLE: [(Caller, &str); 13] = [
    (Caller::Nobody, "PP PAAA AAAA AAAA AAA"),
    (Caller::Garbage, "PD WDDD DDDD DDDD DDD"),
    (Caller::Unknown, "PD WDDD DDDD DDDD DDD"),
    (Caller::Expired, "PD WDDD DDDD DDDD DDD"),
    (Caller::Revoked, "PD WDDD DDDD DDDD DDD"),
    (Caller::Disabled, "PD WDDD DDDD DDDD DDD"),
    (Caller::Reader, "PP PPPF FFFF FFFF FPF"),
    (Caller::Writer, "PP PPPF PPPF FFFF FPF"),
    (Caller::Manager, "PP PPPF PPPF PPPF FPF"),
    (Caller::Outsider, "PP PFFF FFFF FFFF FPF"),
    (Caller::Stranger, "PP PPFF FFFF FFFF PPF"),
    (Caller::Owner, "PP PPPF PPPF PPPF PPF"),
    (Caller::Admin, "PP PPPF PPPF PPPF PPP"),
];

/// The rooms to ask a route about: one address where it names no channel.
pub(crate) fn rooms(route: &Route) -> &'static [Room] {
    const ALL: [Room; 4] = [Room::Public, Room::Authenticated, Room::Private, Room::Missing];
    if route.pattern.contains("{channel}") { &ALL } else { &ALL[..1] }
}

/// The cell of the table.
pub(crate) fn expected(caller: Caller, route: &Route, room: Room, carrier: Carrier) -> Expect {
    let block = |first: usize| first + room as usize;
    let column = match route.gate.needs() {
        Needs::Nothing => 0,
        Needs::Listing => 1,
        Needs::Read => block(2),
        // Where nothing is open to all, a public channel is for any live token.
        Needs::KeyedRead if room == Room::Public => 15,
        Needs::KeyedRead => block(2),
        Needs::Write => block(6),
        Needs::Manage => block(10),
        Needs::OwnAccount => 14,
        Needs::LiveToken => 15,
        Needs::Administrator => 16,
    };
    let (_, row) = TABLE.iter().find(|(of, _)| *of == caller).expect("every caller has a row");
    match row.chars().filter(|letter| *letter != ' ').nth(column) {
        Some('P') => Expect::Pass,
        Some('W') => Expect::Warned,
        Some('A') => Expect::Asked,
        Some('F') if route.gate.needs() == Needs::KeyedRead => Expect::Asked,
        Some('F') => Expect::Forbidden,
        Some('D') if route.family == Family::Python && carrier == Carrier::Path => Expect::Forbidden,
        Some('D') => Expect::Asked,
        other => panic!("{caller:?} has no cell {column}: {other:?}"),
    }
}

/// The channel above the subchannels that the walk asks for.
pub(crate) const ABOVE: &str = "above";

/// An address of the route. Names that no handler finds keep the walk from changing anything.
pub(crate) fn address(route: &Route, channel: &str) -> String {
    let parts = [
        // Each channel has its like below another one.
        ("{channel}/{subchannel}", &*format!("{ABOVE}/{channel}")),
        ("{channel}/subchannels/{subchannel}", &*format!("{ABOVE}/subchannels/{channel}")),
        ("{channel}", channel),
        ("{label}", "main"),
        ("{subdir}", "noarch"),
        ("{file}", "absent-1.0-0.conda"),
        ("{*rest}", "simple/"),
        ("{kind}", "notebook"),
        ("{family}", "conda"),
        ("{*project}", "absent/"),
        ("{name}", "absent"),
        ("{package}", "absent"),
        ("{to}", "other"),
        ("{*basename}", "noarch/absent-1.0-0.conda"),
        ("{version}", "1.0"),
        ("{*path}", "noarch/absent-1.0-0.conda"),
        ("{token}", "absent"),
        ("{login}", "absent"),
        ("{log}", "authz"),
        ("{role}", "absent"),
        ("{org}", "absent"),
        ("{organisation}", "absent"),
        ("{group}", "absent"),
        ("{name}", "absent"),
        ("{*name}", "binstar_client:absent@here"),
    ];
    let address = parts.iter().fold(route.pattern.clone(), |path, (name, value)| path.replace(name, value));
    assert!(!address.contains('{'), "the walk does not know how to fill {}", route.pattern);
    address
}
