//! What every log promises.

use eventlog::{AppendError, LogError, MAX_ENVELOPE_BYTES};
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use prost::Message as _;

use crate::lab::{Lab, STREAM, described, message, soon, subject, texts};

pub(crate) async fn of_two_hundred_writers_one_wins(lab: &Lab) {
    let logs = [lab.open().await, lab.open().await];
    let subject = subject();
    let tries = (0..200).map(|n| {
        let log = logs[n % 2].clone();
        let message = message(&subject, 0, &n.to_string());
        async move { (n, log.append(STREAM, vec![message]).await) }
    });
    let answers = soon("the race", join_all(tries)).await;
    let winners: Vec<_> = answers.iter().filter_map(|(n, answer)| Some((n, answer.as_ref().ok()?))).collect();
    let [(winner, seq)] = winners[..] else { panic!("there are {} winners", winners.len()) };
    for (_, answer) in &answers {
        assert!(matches!(answer, Ok(_) | Err(AppendError::Conflict { .. })), "{answer:?}");
    }
    let barrier = logs[1].barrier(STREAM).await.unwrap();
    let records = logs[1].read(STREAM, &subject, 0, barrier).await.unwrap();
    assert_eq!(texts(&records), [winner.to_string()]);
    assert_eq!(records[0].seq, *seq);
}

pub(crate) async fn a_stale_expectation_conflicts_and_stores_nothing(lab: &Lab) {
    let log = lab.open().await;
    let subject = subject();
    let first = log.append(STREAM, vec![message(&subject, 0, "first")]).await.unwrap();
    for stale in [0, first + 1] {
        let answer = log.append(STREAM, vec![message(&subject, stale, "stale")]).await;
        assert!(
            matches!(answer, Err(AppendError::Conflict { last }) if last.is_none_or(|last| last == first))
        );
    }
    let second = log.append(STREAM, vec![message(&subject, first, "second")]).await.unwrap();
    assert!(second > first);
    let records = log.read(STREAM, &subject, 0, second).await.unwrap();
    assert_eq!(texts(&records), ["first", "second"]);
    let records = log.read(STREAM, &subject, first, second).await.unwrap();
    assert_eq!(texts(&records), ["second"]);
}

pub(crate) async fn a_batch_is_stored_whole_or_not_at_all(lab: &Lab) {
    let log = lab.open().await;
    let (left, right) = (subject(), subject());
    let both = vec![message(&left, 0, "left"), message(&right, 0, "right")];
    let last = log.append(STREAM, both).await.unwrap();
    let records = log.read(STREAM, &right, 0, last).await.unwrap();
    assert_eq!((records[0].seq, records.len()), (last, 1));

    let fresh = subject();
    let aborted = vec![message(&fresh, 0, "new"), message(&left, 0, "stale"), message(&right, last, "good")];
    let answer = log.append(STREAM, aborted).await;
    assert!(matches!(answer, Err(AppendError::Conflict { .. })), "{answer:?}");
    let barrier = log.barrier(STREAM).await.unwrap();
    for (subject, expected) in [(&fresh, vec![]), (&left, vec!["left"]), (&right, vec!["right"])] {
        let records = log.read(STREAM, subject, 0, barrier).await.unwrap();
        assert_eq!(texts(&records), expected);
    }
}

pub(crate) async fn a_read_up_to_a_barrier_is_complete(lab: &Lab) {
    let (writer, reader) = (lab.open().await, lab.open().await);
    let subject = subject();
    let mut last = 0;
    for round in 0..20 {
        last = writer.append(STREAM, vec![message(&subject, last, &round.to_string())]).await.unwrap();
        let barrier = reader.barrier(STREAM).await.unwrap();
        assert!(barrier > last);
        let records = reader.read(STREAM, &subject, 0, barrier).await.unwrap();
        let expected: Vec<String> = (0..=round).map(|n| n.to_string()).collect();
        assert_eq!(texts(&records), expected);
        assert!(records.iter().all(|record| record.subject == subject));
    }
}

pub(crate) async fn a_long_aggregate_is_read_whole(lab: &Lab) {
    let log = lab.open().await;
    let subject = subject();
    let mut last = 0;
    let count = 1_203;
    for n in 0..count {
        last = log.append(STREAM, vec![message(&subject, last, &n.to_string())]).await.unwrap();
    }
    let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    let at_the_last = log.read(STREAM, &subject, 0, last).await.unwrap();
    assert_eq!(texts(&at_the_last), expected);
    let barrier = log.barrier(STREAM).await.unwrap();
    let at_the_barrier = log.read(STREAM, &subject, 0, barrier).await.unwrap();
    assert_eq!(at_the_barrier, at_the_last);
    assert_eq!(log.read(STREAM, &subject, last, barrier).await.unwrap(), []);
}

pub(crate) async fn a_tail_delivers_everything_in_order_from_any_position(lab: &Lab) {
    let log = lab.open().await;
    let subjects = [subject(), subject(), subject()];
    let first = log.barrier(STREAM).await.unwrap() + 1;
    let mut last = [0; 3];
    let mut append = async |n: usize| {
        let message = message(&subjects[n % 3], last[n % 3], &n.to_string());
        last[n % 3] = log.append(STREAM, vec![message]).await.unwrap();
    };
    for n in 0..30 {
        append(n).await;
    }
    let mut tail = log.tail(STREAM, first);
    let early: Vec<_> = soon("the tail", (&mut tail).take(30).try_collect()).await.unwrap();
    for n in 30..60 {
        append(n).await;
    }
    let late: Vec<_> = soon("the tail", (&mut tail).take(30).try_collect()).await.unwrap();
    let all: Vec<_> = early.into_iter().chain(late).collect();
    let expected: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    assert_eq!(texts(&all), expected);
    assert!(all.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    let middle = all[17].seq;
    let again: Vec<_> = soon("the tail", log.tail(STREAM, middle).take(43).try_collect()).await.unwrap();
    assert_eq!(again, all[17..]);
}

pub(crate) async fn an_envelope_may_be_as_large_as_the_limit_and_no_larger(lab: &Lab) {
    let log = lab.open().await;
    let subject = subject();
    let sized = |bytes: usize| {
        let mut message = message(&subject, 0, "");
        let mut text = bytes - message.envelope.encoded_len();
        while message.envelope.encoded_len() != bytes {
            message.envelope.events = vec![described(&"x".repeat(text))];
            text -= message.envelope.encoded_len().saturating_sub(bytes).min(text);
        }
        message
    };
    let too_large = log.append(STREAM, vec![sized(MAX_ENVELOPE_BYTES + 1)]).await;
    assert!(matches!(too_large, Err(AppendError::TooLarge { bytes }) if bytes == MAX_ENVELOPE_BYTES + 1));
    let seq = log.append(STREAM, vec![sized(MAX_ENVELOPE_BYTES)]).await.unwrap();
    let records = log.read(STREAM, &subject, 0, seq).await.unwrap();
    assert_eq!(records[0].envelope.encoded_len(), MAX_ENVELOPE_BYTES);
}

pub(crate) async fn another_epoch_is_refused(lab: &Lab) {
    let log = lab.open().await;
    let epoch = log.epoch(STREAM);
    assert!(!epoch.is_empty());
    assert_eq!(lab.open().await.epoch(STREAM), epoch);
    eventlog::expect_epoch(&*log, STREAM, &epoch).unwrap();
    let refused = eventlog::expect_epoch(&*log, STREAM, "another");
    assert!(
        matches!(refused, Err(LogError::WrongEpoch { known, found, .. }) if known == "another" && found == epoch)
    );
}

pub(crate) async fn a_position_that_the_log_has_not_reached_is_refused(lab: &Lab) {
    let log = lab.open().await;
    let last = log.barrier(STREAM).await.unwrap();
    let mut next = log.tail(STREAM, last + 1);
    let met = soon("the tail", log.tail(STREAM, last + 2).next()).await;
    let Some(Err(LogError::Unfit(why))) = met else { panic!("{met:?}") };
    assert!(why.starts_with(&format!("CATALOG ends at {last}, but it was read up to {}", last + 1)), "{why}");
    let barrier = log.barrier(STREAM).await.unwrap();
    assert_eq!(soon("the tail", next.next()).await.unwrap().unwrap().seq, barrier);
}
