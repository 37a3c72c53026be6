//! Which events a subscriber wants: by kind, by who decided, by what they are about, from a time on.

use std::sync::LazyLock;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use proto::event::v1::{Actor, Event};
use proto::events::v1::SubscribeRequest;
use uuid::Uuid;

use crate::Record;

/// Words in one list of a filter.
pub const FILTER_WORDS: usize = 64;

/// An event's type: its field number in `Event`, and its name there.
struct Kind {
    tag: u32,
    name: String,
}

/// Every type of event, as the contract lists them.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let files = FileDescriptorSet::decode(proto::DESCRIPTORS).expect("the contract is built in");
    let files = files.file.into_iter().filter(|file| file.package() == "latchkey.event.v1");
    let event = files.flat_map(|file| file.message_type).find(|message| message.name() == "Event");
    let fields = event.expect("the contract has events").field.into_iter();
    let kind = |field: prost_types::FieldDescriptorProto| Kind {
        tag: field.number().unsigned_abs(),
        name: camel(field.name()),
    };
    fields.map(kind).collect()
});

/// What one subscriber wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    kinds: Vec<u32>,
    actors: Vec<Party>,
    objects: Vec<Uuid>,
    since_us: Option<i64>,
}

/// Somebody who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Party {
    /// An account or a token.
    Id(Uuid),
    /// A service, on its own behalf.
    Service(String),
}

impl Selection {
    /// Reads a request; what it cannot mean is said in a sentence.
    pub fn parse(request: &SubscribeRequest) -> Result<Self, String> {
        for (list, words) in
            [("kinds", &request.kinds), ("actors", &request.actors), ("objects", &request.objects)]
        {
            if words.len() > FILTER_WORDS {
                return Err(format!("{list} holds {} words, {FILTER_WORDS} are the most", words.len()));
            }
        }
        Ok(Self {
            kinds: request.kinds.iter().map(|word| kind(word)).collect::<Result<_, _>>()?,
            actors: request.actors.iter().map(|word| party(word)).collect(),
            objects: request.objects.iter().map(|word| object(word)).collect::<Result<_, _>>()?,
            since_us: request.from_time_us,
        })
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a decision is wanted. It is told whole: one wanted event brings those that were decided with it.
    pub fn takes(&self, record: &Record) -> bool {
        let envelope = &record.envelope;
        self.since_us.is_none_or(|since_us| envelope.time_us >= since_us)
            && (self.actors.is_empty() || envelope.actor.as_ref().is_some_and(|actor| self.is_by(actor)))
            && (self.kinds.is_empty() || envelope.events.iter().any(|event| self.is_kind(event)))
            && (self.objects.is_empty() || self.objects.iter().any(|object| is_about(record, object)))
    }

    fn is_by(&self, actor: &Actor) -> bool {
        self.actors.iter().any(|party| match party {
            Party::Id(id) => [&actor.account_id, &actor.token_id].contains(&&id.as_bytes().to_vec()),
            Party::Service(name) => actor.system == *name,
        })
    }

    fn is_kind(&self, event: &Event) -> bool {
        let bytes = event.encode_to_vec();
        let key = prost::encoding::decode_key(&mut bytes.as_slice());
        key.is_ok_and(|(tag, _)| self.kinds.contains(&tag))
    }
}

/// Whether an event or its subject names an id. An id is stored as a field of 16 random bytes, in whichever field of
/// whichever event: looked for like this it is found in those of later releases too.
fn is_about(record: &Record, object: &Uuid) -> bool {
    if record.subject.split('.').any(|part| part.parse() == Ok(*object)) {
        return true;
    }
    let mut field = vec![16];
    field.extend_from_slice(object.as_bytes());
    record.envelope.events.iter().any(|event| {
        let bytes = event.encode_to_vec();
        bytes.windows(field.len()).any(|window| window == field)
    })
}

fn kind(word: &str) -> Result<u32, String> {
    let bare = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    KINDS.iter().find(|kind| bare(&kind.name) == bare(word)).map(|kind| kind.tag).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name.as_str()).collect();
        format!("{word:?} is no kind of event; there are {}", names.join(", "))
    })
}

fn party(word: &str) -> Party {
    word.parse().map_or_else(|_| Party::Service(word.to_owned()), Party::Id)
}

fn object(word: &str) -> Result<Uuid, String> {
    word.parse().map_err(|_| format!("{word:?} is no id of an account, token, channel, package or file"))
}

/// `token_revoked` as `TokenRevoked`.
fn camel(name: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').filter(|part| !part.is_empty()).map(word).collect()
}

#[cfg(test)]
mod tests {
    use proto::event::v1::{ChannelDeleted, Envelope, PackageCreated, TokenRevoked, event};

    use super::*;

    fn record(subject: &str, actor: Actor, event: event::Event) -> Record {
        let events = vec![Event { event: Some(event) }];
        let envelope = Envelope { actor: Some(actor), events, time_us: 50, ..Envelope::default() };
        Record { seq: 1, subject: subject.into(), envelope, raw: bytes::Bytes::new() }
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn bytes(number: u128) -> Vec<u8> {
        id(number).as_bytes().to_vec()
    }

    fn revoked() -> Record {
        let actor = Actor { account_id: bytes(1), token_id: bytes(2), ..Actor::default() };
        let event = TokenRevoked { token_id: bytes(3), ..TokenRevoked::default() };
        record(&format!("evt.auth.owner.{}", id(4)), actor, event::Event::TokenRevoked(event))
    }

    fn asked(kinds: &[&str], actors: &[&str], objects: &[&str]) -> Selection {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let request = SubscribeRequest {
            kinds: words(kinds),
            actors: words(actors),
            objects: words(objects),
            ..SubscribeRequest::default()
        };
        Selection::parse(&request).unwrap()
    }

    #[test]
    fn without_a_filter_everything_is_wanted() {
        assert!(asked(&[], &[], &[]).is_everything() && asked(&[], &[], &[]).takes(&revoked()));
    }

    #[test]
    fn a_kind_is_named_as_people_write_it() {
        for word in ["TokenRevoked", "token_revoked", "token-revoked", "TOKENREVOKED"] {
            assert!(asked(&[word], &[], &[]).takes(&revoked()), "{word}");
        }
        assert!(!asked(&["TokenIssued", "ChannelCreated"], &[], &[]).takes(&revoked()));
        let request = SubscribeRequest { kinds: vec!["TokenFlown".into()], ..SubscribeRequest::default() };
        let refused = Selection::parse(&request).unwrap_err();
        assert!(refused.contains("TokenFlown") && refused.contains("TokenRevoked"), "{refused}");
    }

    #[test]
    fn an_actor_is_an_account_a_token_or_a_service() {
        for (number, taken) in [(1, true), (2, true), (3, false), (4, false)] {
            assert_eq!(asked(&[], &[&id(number).to_string()], &[]).takes(&revoked()), taken, "{number}");
        }
        let system = Actor { system: "auth".into(), ..Actor::default() };
        let own = record("s", system, event::Event::ChannelDeleted(ChannelDeleted::default()));
        assert!(asked(&[], &["auth"], &[]).takes(&own) && !asked(&[], &["catalog"], &[]).takes(&own));
    }

    #[test]
    fn an_object_is_named_by_the_event_or_by_its_subject() {
        for (number, taken) in [(1, false), (2, false), (3, true), (4, true)] {
            assert_eq!(asked(&[], &[], &[&id(number).to_string()]).takes(&revoked()), taken, "{number}");
        }
        let package = PackageCreated { package_id: bytes(7), channel_id: bytes(8), ..Default::default() };
        let made = record("s", Actor::default(), event::Event::PackageCreated(package));
        assert!(asked(&[], &[], &[&id(8).to_string(), &id(9).to_string()]).takes(&made));
        let request = SubscribeRequest { objects: vec!["acme".into()], ..SubscribeRequest::default() };
        assert!(Selection::parse(&request).unwrap_err().contains("acme"));
    }

    #[test]
    fn all_filters_must_agree_and_time_is_one_of_them() {
        let [one, three] = [1, 3].map(|number| id(number).to_string());
        assert!(asked(&["TokenRevoked"], &[&one], &[&three]).takes(&revoked()));
        assert!(!asked(&["TokenRevoked"], &[&three], &[&three]).takes(&revoked()));
        for (time, taken) in [(50, true), (51, false)] {
            let request = SubscribeRequest { from_time_us: Some(time), ..SubscribeRequest::default() };
            assert_eq!(Selection::parse(&request).unwrap().takes(&revoked()), taken);
        }
    }

    #[test]
    fn a_filter_has_a_limit() {
        let request = |count| SubscribeRequest { actors: vec!["auth".into(); count], ..Default::default() };
        Selection::parse(&request(FILTER_WORDS)).unwrap();
        assert!(Selection::parse(&request(FILTER_WORDS + 1)).unwrap_err().contains("64"));
    }
}
