//! Deciding on aggregates: races, proven refusals, void decisions.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventlog::{
    AppendError, ExecuteError, Fault, Log, LogError, Memory, MemoryOptions, Message, Meta, NoVoids, Rules,
    Stamps, Store, Stream, Voids, execute_pair,
};
use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use proto::event::v1::{Actor, ArtifactRemoved, ChannelDescribed, Envelope, Event, event};
use tokio::sync::Notify;
use uuid::Uuid;

const STREAM: Stream = Stream::Catalog;
const SUBJECT: &str = "evt.catalog.c.conda.p";

/// The names that are in, as `ChannelDescribed` puts them in and `ArtifactRemoved` takes them out.
type Names = BTreeSet<String>;

#[derive(Debug, Clone, PartialEq)]
enum Change {
    In(String),
    Out(String),
}

const RULES: Rules<Names, Change> = Rules {
    decode: |event| match &event.event {
        Some(event::Event::ChannelDescribed(event)) => Ok(Some(Change::In(event.description.clone()))),
        Some(event::Event::ArtifactRemoved(event)) => Ok(Some(Change::Out(event.filename.clone()))),
        Some(event::Event::NameTaken(_)) => Ok(None),
        other => Err(format!("{other:?} does not belong here")),
    },
    encode: |change| {
        let event = match change {
            Change::In(name) => event::Event::ChannelDescribed(ChannelDescribed {
                description: name.clone(),
                ..ChannelDescribed::default()
            }),
            Change::Out(name) => event::Event::ArtifactRemoved(ArtifactRemoved {
                filename: name.clone(),
                ..ArtifactRemoved::default()
            }),
        };
        Event { event: Some(event) }
    },
    evolve: |names, change| {
        let mut names = names.unwrap_or_default();
        match change {
            Change::In(name) => names.insert(name),
            Change::Out(name) => names.remove(&name),
        };
        Some(names)
    },
};

static NEXT: AtomicU64 = AtomicU64::new(1);

fn stamps() -> Stamps {
    Stamps::new(
        || {
            Uuid::from_u64_pair(
                0x0190_0000_0000_7000,
                0x8000_0000_0000_0000 | NEXT.fetch_add(1, Ordering::Relaxed),
            )
        },
        || time::OffsetDateTime::UNIX_EPOCH,
    )
}

fn memory() -> Memory {
    Memory::new(stamps(), MemoryOptions::default())
}

fn store(log: &Memory) -> Store<Names, Change> {
    Store::new(Arc::new(log.clone()), STREAM, RULES, stamps(), Arc::new(NoVoids))
}

fn meta() -> Meta {
    Meta {
        actor: Actor { system: "test".into(), ..Actor::default() },
        request_id: "r".into(),
        traceparent: String::new(),
        authz_seq: Arc::new(|| 7),
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    AlreadyIn,
}

/// Puts a name in unless it is there.
fn enter(name: &str) -> impl FnMut(Option<&Names>) -> Result<Vec<Change>, Refusal> + Send {
    let name = name.to_owned();
    move |names| match names {
        Some(names) if names.contains(&name) => Err(Refusal::AlreadyIn),
        Some(_) | None => Ok(vec![Change::In(name.clone())]),
    }
}

/// Takes a name out; it being out already is success.
fn leave(name: &str) -> impl FnMut(Option<&Names>) -> Result<Vec<Change>, Refusal> + Send {
    let name = name.to_owned();
    move |names| match names {
        Some(names) if names.contains(&name) => Ok(vec![Change::Out(name.clone())]),
        Some(_) | None => Ok(vec![]),
    }
}

#[tokio::test]
async fn what_was_decided_is_stored_folded_and_read_again() {
    let log = memory();
    let done = store(&log).execute(SUBJECT, &meta(), enter("a")).await.unwrap();
    assert!(done.appended);
    assert_eq!(done.state.as_deref(), Some(&Names::from(["a".into()])));
    let record = log.read(STREAM, SUBJECT, 0, done.seq).await.unwrap().remove(0);
    assert_eq!((record.envelope.authz_seq, record.envelope.request_id.as_str()), (7, "r"));
    let elsewhere = store(&log).load(SUBJECT).await.unwrap();
    assert_eq!(elsewhere, (done.seq, done.state));
}

#[tokio::test]
async fn writers_in_two_processes_all_get_through() {
    let log = memory();
    let stores = [store(&log), store(&log)];
    let entering = (0..60).map(|n| {
        let store = &stores[n % 2];
        async move { store.execute(SUBJECT, &meta(), enter(&n.to_string())).await.map(|done| done.appended) }
    });
    assert!(join_all(entering).await.into_iter().all(|entered| entered.unwrap()));
    assert_eq!(stores[0].fresh(SUBJECT).await.unwrap().1.unwrap().len(), 60);
}

#[tokio::test]
async fn of_many_that_want_the_same_name_one_gets_it_and_the_others_are_refused() {
    let log = memory();
    let stores = [store(&log), store(&log)];
    let entering = (0..40).map(|n| {
        let store = &stores[n % 2];
        async move { store.execute(SUBJECT, &meta(), enter("wanted")).await }
    });
    let answers = join_all(entering).await;
    let entered = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(ExecuteError::Refused(Refusal::AlreadyIn))))
        .count();
    assert_eq!((entered, refused), (1, 39));
}

#[tokio::test]
async fn a_refusal_and_a_needless_decision_are_proven_on_what_others_wrote() {
    let log = memory();
    let (ours, theirs) = (store(&log), store(&log));
    ours.execute(SUBJECT, &meta(), enter("a")).await.unwrap();
    // Ours still believes that "a" is in, and that "b" is not.
    theirs.execute(SUBJECT, &meta(), leave("a")).await.unwrap();
    theirs.execute(SUBJECT, &meta(), enter("b")).await.unwrap();
    let entered = ours.execute(SUBJECT, &meta(), enter("a")).await.unwrap();
    assert!(entered.appended, "the refusal from the cache did not count");

    theirs.execute(SUBJECT, &meta(), enter("c")).await.unwrap();
    let left = ours.execute(SUBJECT, &meta(), leave("c")).await.unwrap();
    assert!(left.appended, "nothing to do, from the cache, did not count");

    let needless = ours.execute(SUBJECT, &meta(), leave("never")).await.unwrap();
    assert!(!needless.appended);
    assert_eq!(needless.seq, left.seq, "it names the last sequence on the subject");
}

#[tokio::test]
async fn an_append_whose_ack_is_lost_is_done_once() {
    let log = memory();
    let store = store(&log);
    log.inject([Fault::LoseAck, Fault::Refuse]);
    let done = store.execute(SUBJECT, &meta(), enter("a")).await.unwrap();
    assert!(done.appended);
    assert_eq!(log.read(STREAM, SUBJECT, 0, 0).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_append_leaves_a_store_that_finds_out() {
    let log = memory();
    let store = store(&log);
    store.load(SUBJECT).await.unwrap();
    log.inject([Fault::LoseAck]);
    log.inject(std::iter::repeat_n(Fault::Refuse, 100));
    let unknown = store.execute(SUBJECT, &meta(), enter("a")).await;
    assert!(matches!(unknown, Err(ExecuteError::Append(AppendError::Unavailable(_)))), "{unknown:?}");
    log.clear_faults();
    let again = store.execute(SUBJECT, &meta(), enter("a")).await;
    assert!(matches!(again, Err(ExecuteError::Refused(Refusal::AlreadyIn))), "{again:?}");
}

#[tokio::test]
async fn appends_beyond_the_queue_are_refused_at_once() {
    const UNDER_WAY: usize = 16;
    const WAITING: usize = 1024;
    let log = memory();
    let held = Arc::new(Notify::new());
    log.inject(std::iter::repeat_n(Fault::Delay(held.clone()), UNDER_WAY));
    let append = |n: usize| {
        let subject = format!("{SUBJECT}{n}");
        let encoded = (RULES.encode)(&Change::In("a".into()));
        let log = log.clone();
        async move {
            log.append(STREAM, vec![Message { subject, expect: 0, envelope: envelope(vec![encoded]) }]).await
        }
    };
    let mut waiting: FuturesUnordered<_> = (0..UNDER_WAY + WAITING).map(append).collect();
    assert!(futures::poll!(waiting.next()).is_pending());
    assert_eq!(log.faults_left(), 0, "that many are under way");
    let refused = append(UNDER_WAY + WAITING).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    let free = async {
        for _ in 0..UNDER_WAY {
            held.notify_one();
            tokio::task::yield_now().await;
        }
    };
    let (stored, ()) = futures::join!(waiting.collect::<Vec<_>>(), free);
    assert!(stored.iter().all(Result::is_ok));
}

/// Void is whatever stands at an even sequence.
struct Even;

#[async_trait]
impl Voids for Even {
    async fn is_void(&self, seq: u64) -> Result<bool, LogError> {
        Ok(seq.is_multiple_of(2))
    }
}

#[tokio::test]
async fn a_void_decision_has_no_effect_and_its_writer_is_told() {
    let log = memory();
    let store = Store::new(Arc::new(log.clone()), STREAM, RULES, stamps(), Arc::new(Even));
    store.execute(SUBJECT, &meta(), enter("first")).await.unwrap();
    let void = store.execute(SUBJECT, &meta(), enter("second")).await;
    assert!(matches!(void, Err(ExecuteError::Void { seq: 2 })), "{void:?}");
    let third = store.execute(SUBJECT, &meta(), enter("third")).await.unwrap();
    assert_eq!(third.seq, 3, "the void message still counts for the expectation");
    let expected = Names::from(["first".into(), "third".into()]);
    assert_eq!(third.state.as_deref(), Some(&expected));
    let elsewhere = Store::new(Arc::new(log), STREAM, RULES, stamps(), Arc::new(Even));
    assert_eq!(elsewhere.load(SUBJECT).await.unwrap().1.as_deref(), Some(&expected));
}

fn envelope(events: Vec<Event>) -> Envelope {
    let id = Uuid::from_u64_pair(
        0x0190_0000_0000_7000,
        0x8000_0000_0000_0000 | NEXT.fetch_add(1, Ordering::Relaxed),
    );
    Envelope { event_id: id.as_bytes().to_vec(), events, ..Envelope::default() }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_the_fold_and_is_named() {
    let log = memory();
    let wrong = Event { event: Some(event::Event::TokenRevoked(proto::event::v1::TokenRevoked::default())) };
    let message = Message { subject: SUBJECT.into(), expect: 0, envelope: envelope(vec![wrong]) };
    let seq = log.append(STREAM, vec![message]).await.unwrap();
    let error = store(&log).load(SUBJECT).await.expect_err("it does not belong there");
    assert!(error.to_string().starts_with(&format!("message {seq} of CATALOG cannot be read: ")), "{error}");
}

#[tokio::test]
async fn two_aggregates_change_together_or_not_at_all() {
    let log = memory();
    let (left, right) = (store(&log), store(&log));
    let (one, two) = ("evt.catalog.c.conda.one", "evt.catalog.c.conda.two");
    let both = |name: &'static str| {
        move |left: Option<&Names>, right: Option<&Names>| {
            if [left, right].into_iter().flatten().any(|names| names.contains(name)) {
                return Err(Refusal::AlreadyIn);
            }
            Ok((vec![Change::In(name.into())], vec![Change::In(name.into())]))
        }
    };
    let (a, b) = execute_pair((&left, one), (&right, two), &meta(), both("a")).await.unwrap();
    assert_eq!((a.seq, b.seq), (1, 2));
    let refused = execute_pair((&left, one), (&right, two), &meta(), both("a")).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(Refusal::AlreadyIn))));

    // Somebody else has changed the second one since.
    store(&log).execute(two, &meta(), enter("b")).await.unwrap();
    let (c, d) = execute_pair((&left, one), (&right, two), &meta(), both("c")).await.unwrap();
    assert_eq!(c.state.as_deref(), Some(&Names::from(["a".into(), "c".into()])));
    assert_eq!(d.state.as_deref(), Some(&Names::from(["a".into(), "b".into(), "c".into()])));

    // In whatever order they are named, two pairs never wait for each other.
    let crossing = (0..20).map(|n| {
        let name = n.to_string();
        let sides = if n % 2 == 0 { (one, two) } else { (two, one) };
        let (left, right) = (&left, &right);
        async move {
            let add = |_: Option<&Names>, _: Option<&Names>| {
                Ok::<_, Refusal>((vec![Change::In(name.clone())], vec![Change::In(name.clone())]))
            };
            execute_pair((left, sides.0), (right, sides.1), &meta(), add).await.map(|_| ())
        }
    });
    assert!(join_all(crossing).await.into_iter().all(|done| done.is_ok()));
    assert_eq!(left.fresh(one).await.unwrap().1.unwrap().len(), 22);
}

#[tokio::test]
async fn many_aggregates_change_together_or_not_at_all() {
    let log = memory();
    let store_one = store(&log);
    let subjects: Vec<String> = (0..4).map(|n| format!("evt.catalog.c.conda.p{n}")).collect();
    // Puts the name in everywhere but where it is, and refuses where somebody keeps it out.
    let enter_all = |name: &'static str| {
        move |states: &[Option<&Names>]| {
            if states.iter().flatten().any(|names| names.contains("closed")) {
                return Err(Refusal::AlreadyIn);
            }
            let is_in = |state: &Option<&Names>| state.is_some_and(|names| names.contains(name));
            let change = |state| if is_in(state) { vec![] } else { vec![Change::In(name.into())] };
            Ok(states.iter().map(change).collect::<Vec<_>>())
        }
    };
    store_one.execute(&subjects[1], &meta(), enter("a")).await.unwrap();
    let done = store_one.execute_many(&subjects, &meta(), enter_all("a")).await.unwrap();
    let seen: Vec<_> = done.iter().map(|done| (done.seq, done.appended)).collect();
    assert_eq!(seen, [(2, true), (1, false), (3, true), (4, true)]);
    let again = store_one.execute_many(&subjects, &meta(), enter_all("a")).await.unwrap();
    assert!(again.iter().all(|done| !done.appended && done.seq <= 4));

    // Somebody else closes one: nothing goes into any of them, however stale this store's states are.
    store(&log).execute(&subjects[3], &meta(), enter("closed")).await.unwrap();
    let refused = store_one.execute_many(&subjects, &meta(), enter_all("b")).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(Refusal::AlreadyIn))));
    for subject in &subjects {
        let names = store(&log).fresh(subject).await.unwrap().1.unwrap();
        assert!(names.contains("a") && !names.contains("b"), "{subject}");
    }

    // Batches over the same aggregates lose races and win them in the end, and never wait for each other in a circle.
    store(&log).execute(&subjects[3], &meta(), leave("closed")).await.unwrap();
    let others: Vec<_> = (0..4).map(|_| store(&log)).collect();
    let names = ["c", "d", "e", "f"];
    let races = others.iter().zip(names).zip(0..).map(|((store, name), skipped): (_, usize)| {
        let subjects: Vec<String> = subjects.iter().skip(skipped % 2).cloned().collect();
        async move { store.execute_many(&subjects, &meta(), enter_all(name)).await.map(drop) }
    });
    assert!(join_all(races).await.into_iter().all(|done| done.is_ok()));
    assert_eq!(store(&log).fresh(&subjects[3]).await.unwrap().1.unwrap().len(), 5);
}

#[tokio::test]
async fn what_is_put_back_counts_where_it_first_stood() {
    let log = memory();
    let (live, another) = (store(&log), store(&log));
    let first = live.execute(SUBJECT, &meta(), enter("a")).await.unwrap().seq;
    let second = live.execute(SUBJECT, &meta(), leave("a")).await.unwrap().seq;
    let lost = log.read(STREAM, SUBJECT, 0, 0).await.unwrap().remove(0);
    log.remove(STREAM, first);
    assert!(another.load(SUBJECT).await.unwrap().1.is_some(), "it has read what was left");
    let envelope = Envelope { original_seq: Some(first), ..lost.envelope };
    let message = Message { subject: SUBJECT.into(), expect: second, envelope };
    let back = log.append(STREAM, vec![message]).await.unwrap();
    // `a` was put in and taken out again, whoever has seen how much of it: it is not in.
    for store in [live, another, store(&log)] {
        let (seq, names) = store.fresh(SUBJECT).await.unwrap();
        assert_eq!((seq, names.as_deref()), (back, Some(&Names::new())));
        drop(store.execute(SUBJECT, &meta(), leave("b")).await.unwrap());
    }
    let done = store(&log).execute(SUBJECT, &meta(), enter("c")).await.unwrap();
    assert!(done.seq > back);
    assert_eq!(done.state.as_deref(), Some(&Names::from(["c".into()])));
}
