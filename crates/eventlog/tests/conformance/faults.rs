//! What every log promises while messages, answers and connections are lost.

use std::sync::Arc;

use eventlog::{AppendError, Fault, Log, LogError, Memory, NatsConfig};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::Notify;

use crate::{
    lab::{Below, Lab, STREAM, message, soon, subject, texts},
    proxy::{Lose, Proxy},
};

/// A way to lose things between one writer and its log.
enum Lossy {
    Memory(Memory, Arc<Notify>),
    Wire(Proxy),
}

impl Lossy {
    async fn open(lab: &Lab) -> (Arc<dyn Log>, Self) {
        match &lab.below {
            Below::Memory(memory) => (Arc::new(memory.clone()), Self::Memory(memory.clone(), Arc::default())),
            Below::One(_) | Below::Three(_) => {
                let url = lab.url().split(',').next().unwrap().to_owned();
                let proxy = Proxy::start(&url).await;
                // Another server of the cluster would be a way around the proxy.
                let config = NatsConfig { discover: false, ..lab.config(&proxy.url(&url)) };
                let log = lab.connect_to(config).await.unwrap();
                (Arc::new(log), Self::Wire(proxy))
            }
        }
    }

    fn lose_ack(&self) {
        match self {
            Self::Memory(memory, _) => memory.inject([Fault::LoseAck]),
            Self::Wire(proxy) => proxy.lose(Lose::Ack),
        }
    }

    /// Loses the next message, and holds up its repeat until [`Lossy::go_on`].
    fn lose_message(&self) {
        match self {
            Self::Memory(memory, gate) => memory.inject([Fault::Refuse, Fault::Delay(gate.clone())]),
            Self::Wire(proxy) => proxy.lose(Lose::Message),
        }
    }

    /// Loses the answer to the next request for messages. Memory asks for none.
    fn lose_pull(&self) {
        if let Self::Wire(proxy) = self {
            proxy.lose(Lose::Pull);
        }
    }

    async fn lost(&self) {
        match self {
            Self::Memory(memory, _) => {
                while memory.faults_left() > 0 {
                    tokio::task::yield_now().await;
                }
            }
            Self::Wire(proxy) => proxy.closed().await,
        }
    }

    /// True if nothing is left to be lost.
    fn is_done(&self) -> bool {
        match self {
            Self::Memory(memory, _) => memory.faults_left() == 0,
            Self::Wire(proxy) => proxy.is_done(),
        }
    }

    fn go_on(&self) {
        match self {
            Self::Memory(_, gate) => gate.notify_one(),
            Self::Wire(proxy) => proxy.open(),
        }
    }
}

pub(crate) async fn an_append_whose_ack_is_lost_is_stored_once(lab: &Lab) {
    let (log, lossy) = Lossy::open(lab).await;
    let subject = subject();
    let mut last = 0;
    for text in ["first", "second"] {
        lossy.lose_ack();
        last = soon("the append", log.append(STREAM, vec![message(&subject, last, text)])).await.unwrap();
        assert!(lossy.is_done(), "the ack was lost");
    }
    last = log.append(STREAM, vec![message(&subject, last, "third")]).await.unwrap();
    let records = log.read(STREAM, &subject, 0, last).await.unwrap();
    assert_eq!(texts(&records), ["first", "second", "third"]);
}

pub(crate) async fn a_batch_whose_ack_is_lost_is_stored_once(lab: &Lab) {
    let (log, lossy) = Lossy::open(lab).await;
    let (left, right) = (subject(), subject());
    lossy.lose_ack();
    let both = vec![message(&left, 0, "left"), message(&right, 0, "right")];
    let last = soon("the append", log.append(STREAM, both)).await.unwrap();
    assert!(lossy.is_done(), "the ack was lost");
    let barrier = log.barrier(STREAM).await.unwrap();
    let records = log.read(STREAM, &right, 0, barrier).await.unwrap();
    assert_eq!((texts(&records), records[0].seq), (vec!["right".to_owned()], last));
    assert_eq!(texts(&log.read(STREAM, &left, 0, barrier).await.unwrap()), ["left"]);
}

pub(crate) async fn a_lost_message_does_not_hide_another_writer(lab: &Lab) {
    let (log, lossy) = Lossy::open(lab).await;
    let other = lab.open().await;
    let subject = subject();
    lossy.lose_message();
    let ours = tokio::spawn({
        let (log, message) = (log.clone(), message(&subject, 0, "ours"));
        async move { log.append(STREAM, vec![message]).await }
    });
    soon("the loss", lossy.lost()).await;
    other.append(STREAM, vec![message(&subject, 0, "theirs")]).await.unwrap();
    lossy.go_on();
    let answer = soon("the append", ours).await.unwrap();
    assert!(matches!(answer, Err(AppendError::Conflict { .. })), "{answer:?}");
    let barrier = log.barrier(STREAM).await.unwrap();
    assert_eq!(texts(&log.read(STREAM, &subject, 0, barrier).await.unwrap()), ["theirs"]);
}

pub(crate) async fn a_read_does_not_wait_for_ever_for_what_nobody_sends(lab: &Lab) {
    let (log, lossy) = Lossy::open(lab).await;
    let subject = subject();
    log.append(STREAM, vec![message(&subject, 0, "first")]).await.unwrap();
    let barrier = log.barrier(STREAM).await.unwrap();
    lossy.lose_pull();
    assert_eq!(texts(&log.read(STREAM, &subject, 0, barrier).await.unwrap()), ["first"]);
    assert!(lossy.is_done(), "the request was lost");
}

pub(crate) async fn a_tail_has_no_gap_across_reconnects(lab: &Lab) {
    let (log, lossy) = Lossy::open(lab).await;
    let writer = lab.open().await;
    let first = writer.barrier(STREAM).await.unwrap() + 1;
    let mut tail = log.tail(STREAM, first);
    let mut seen = Vec::new();
    for n in 0..50 {
        if let (Lossy::Wire(proxy), 0) = (&lossy, n % 10) {
            proxy.cut();
        }
        writer.append(STREAM, vec![message(&subject(), 0, &n.to_string())]).await.unwrap();
        if n % 10 == 5 {
            // Behind in the middle, so that what is read ahead is met by the cut too.
            seen.push(soon("the tail", tail.next()).await.unwrap().unwrap());
        }
    }
    let rest: Vec<_> = soon("the tail", tail.take(50 - seen.len()).try_collect()).await.unwrap();
    seen.extend(rest);
    let expected: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    assert_eq!(texts(&seen), expected);
}

pub(crate) async fn a_message_that_nobody_trusted_has_signed_is_refused(lab: &Lab) {
    let log = lab.open().await;
    let (honest, moved, forged) = (subject(), subject(), subject());
    let afterwards = [subject(), subject()];
    let seq = log.append(STREAM, vec![message(&honest, 0, "honest")]).await.unwrap();
    let raw = log.read(STREAM, &honest, 0, seq).await.unwrap()[0].raw.clone();

    // An honest message under another subject, and a message that nobody signed.
    let intrusions = [(&moved, raw.clone()), (&forged, raw.slice(..raw.len() - 1))];
    for ((subject, raw), afterwards) in intrusions.into_iter().zip(&afterwards) {
        let seq = lab.publish_raw(subject, raw).await;
        let read = log.read(STREAM, subject, 0, seq).await;
        assert!(
            matches!(read, Err(LogError::BadSignature { .. } | LogError::Undecodable { .. })),
            "{read:?}"
        );
        let mut tail = log.tail(STREAM, seq);
        let met = soon("the tail", tail.next()).await;
        assert!(
            matches!(met, Some(Err(LogError::BadSignature { .. } | LogError::Undecodable { .. }))),
            "{met:?}"
        );
        // A forged message concerns its aggregate alone; where not even that can be read, the tail ends.
        let readable = matches!(met, Some(Err(LogError::BadSignature { .. })));
        let later = log.append(STREAM, vec![message(afterwards, 0, "later")]).await.unwrap();
        match soon("the tail", tail.next()).await {
            Some(Ok(record)) => assert_eq!((readable, record.seq), (true, later)),
            Some(Err(error)) => panic!("{error}"),
            None => assert!(!readable, "it goes on behind a bad signature"),
        }
    }
}
