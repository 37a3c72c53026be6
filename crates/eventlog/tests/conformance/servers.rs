//! What only a real server can do wrong: crash, be too old, be set up badly, forget barriers, be another one.

use std::time::Duration;

use async_nats::{HeaderMap, jetstream};
use eventlog::{AppendError, JetStream, Log, LogError, Stream};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::lab::{Below, Lab, STREAM, message, soon, stamps, subject, texts, unique};

/// Appends until it is certain that the message is stored, whoever has to be killed meanwhile.
async fn insist(log: &dyn Log, subject: &str, text: &str) {
    loop {
        match log.append(STREAM, vec![message(subject, 0, text)]).await {
            // A conflict with nobody else around is an earlier try whose answer was lost.
            Ok(_) | Err(AppendError::Conflict { .. }) => return,
            Err(AppendError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn crash(lab: &mut Lab, round: usize) {
    match &mut lab.below {
        Below::Memory(_) => panic!("memory does not crash"),
        Below::One(server) => {
            server.kill9().await;
            server.restart().await.unwrap();
        }
        Below::Three(cluster) => {
            cluster.kill9(round % 3).await;
            cluster.restart(round % 3).await.unwrap();
        }
    }
}

/// Every message that was acknowledged is in the log and in the tail, once and in order.
async fn nothing_is_lost_in_crashes(mut lab: Lab) {
    const MESSAGES: usize = 300;
    let writer = lab.open().await;
    let reader = lab.open().await;
    let tail = reader.tail(STREAM, 1);
    let following = tokio::spawn(async move {
        let events = tail.try_filter(|record| std::future::ready(!record.is_barrier()));
        events.take(MESSAGES).try_collect::<Vec<_>>().await
    });
    let (progress, mut written) = tokio::sync::watch::channel(0);
    let writing = tokio::spawn(async move {
        for n in 0..MESSAGES {
            insist(&*writer, &subject(), &n.to_string()).await;
            progress.send_replace(n);
        }
    });
    for round in 0..3 {
        written.wait_for(|n| *n >= (round + 1) * MESSAGES / 5).await.unwrap();
        crash(&mut lab, round).await;
    }
    soon("the writer", writing).await.unwrap();
    let seen = soon("the tail", following).await.unwrap().unwrap();
    let expected: Vec<String> = (0..MESSAGES).map(|n| n.to_string()).collect();
    assert_eq!(texts(&seen), expected);
    let log = lab.open().await;
    let again: Vec<_> = soon("the tail", log.tail(STREAM, 1).take(MESSAGES).try_collect()).await.unwrap();
    assert_eq!(again, seen);
}

#[tokio::test]
async fn nothing_is_lost_while_one_server_crashes() {
    nothing_is_lost_in_crashes(Lab::one().await).await;
}

#[tokio::test]
async fn nothing_is_lost_while_each_of_three_servers_crashes() {
    nothing_is_lost_in_crashes(Lab::three().await).await;
}

#[tokio::test]
async fn an_expired_barrier_leaves_a_gap_that_a_tail_passes() {
    let lab = Lab::one().await;
    let log = lab.connect(&lab.url()).await.unwrap();
    log.append(STREAM, vec![message(&subject(), 0, "before")]).await.unwrap();
    let barrier = log.barrier(STREAM).await.unwrap();
    let raw = log.read(STREAM, STREAM.barrier_subject(), 0, barrier).await.unwrap()[0].raw.clone();
    // The same barrier again, with the shortest life that the server grants.
    let mut headers = HeaderMap::new();
    headers.insert("Nats-TTL", "1s");
    let context = jetstream::new(log.client());
    let short = context.publish_with_headers(STREAM.barrier_subject(), headers, raw).await.unwrap();
    let short = short.await.unwrap().sequence;
    let last = log.append(STREAM, vec![message(&subject(), 0, "after")]).await.unwrap();

    let stream = context.get_stream(STREAM.as_str()).await.unwrap();
    soon("the expiry", async {
        while stream.get_raw_message(short).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let tail = log.tail(STREAM, 1);
    let seen: Vec<_> = soon("the tail", tail.take(3).try_collect()).await.unwrap();
    assert_eq!(seen.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, barrier, last]);
    assert_eq!(last, short + 1);
    assert_eq!(texts(&seen), ["before", "after"]);
    // Whoever still waits for the expired one gets a complete read all the same.
    let records = log.read(STREAM, &seen[2].subject, 0, short).await.unwrap();
    assert_eq!(texts(&records), ["after"]);
    let records = log.read(STREAM, &seen[0].subject, 0, short).await.unwrap();
    assert_eq!(texts(&records), ["before"]);
}

#[tokio::test]
async fn a_tail_ends_where_the_stream_is_another_one() {
    let lab = Lab::one().await;
    let log = lab.connect(&lab.url()).await.unwrap();
    let known = log.epoch(STREAM);
    let mut tail = log.tail(STREAM, 1);
    log.append(STREAM, vec![message(&subject(), 0, "old")]).await.unwrap();
    assert_eq!(texts(&[soon("the tail", tail.next()).await.unwrap().unwrap()]), ["old"]);
    jetstream::new(log.client()).delete_stream(STREAM.as_str()).await.unwrap();
    let other = lab.connect(&lab.url()).await.unwrap();
    other.append(STREAM, vec![message(&subject(), 0, "new")]).await.unwrap();
    let end = soon("the tail", tail.next()).await.unwrap();
    assert!(matches!(end, Err(LogError::WrongEpoch { known: told, .. }) if told == known));
    assert!(soon("the tail", tail.next()).await.is_none());
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused_with_what_to_install() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let info = r#"INFO {"server_id":"x","server_name":"x","version":"2.14.9","go":"","host":"","port":1,"headers":true,"max_payload":1048576,"proto":1,"jetstream":true}"#;
            client.write_all(format!("{info}\r\nPONG\r\n").as_bytes()).await.unwrap();
            tokio::spawn(async move { tokio::io::copy(&mut client.split().0, &mut tokio::io::sink()).await });
        }
    });
    let lab = Lab::memory(eventlog::Replicas::One);
    let Err(refused) = soon("the refusal", lab.connect(&url)).await else { panic!("it is too old") };
    assert!(
        refused.to_string().starts_with("nats-server 2.14.9 is too old: install 2.15.1 or newer"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_stream_that_could_forget_is_refused() {
    type Spoil = fn(&mut jetstream::stream::Config);
    let spoils: [(&str, Spoil); 4] = [
        ("max_age must be 0", |config| config.max_age = Duration::from_secs(86_400)),
        ("discard must be new", |config| config.discard = jetstream::stream::DiscardPolicy::Old),
        ("max_msgs must be unlimited", |config| config.max_messages = 10),
        ("its subjects must be those of the log", |config| config.subjects.push("more.>".into())),
    ];
    let lab = Lab::one().await;
    let context = jetstream::new(lab.connect(&lab.url()).await.unwrap().client());
    let good = context.get_stream(STREAM.as_str()).await.unwrap().cached_info().config.clone();
    for (why, spoil) in spoils {
        let mut bad = good.clone();
        spoil(&mut bad);
        context.update_stream(bad).await.unwrap();
        let Err(refused) = lab.connect(&lab.url()).await else { panic!("{why}") };
        assert_eq!(
            refused.to_string(),
            format!(
                "stream CATALOG is not set up as this log needs it: {why}; correct it with `nats stream edit CATALOG`"
            )
        );
    }
    context.update_stream(good).await.unwrap();
    lab.connect(&lab.url()).await.unwrap();
}

#[tokio::test]
async fn nobody_may_delete_or_purge() {
    let lab = Lab::one().await;
    let log = lab.connect(&lab.url()).await.unwrap();
    let seq = log.append(STREAM, vec![message(&subject(), 0, "kept")]).await.unwrap();
    let stream = jetstream::new(log.client()).get_stream(STREAM.as_str()).await.unwrap();
    assert!(stream.delete_message(seq).await.is_err());
    assert!(stream.purge().await.is_err());
    assert_eq!(stream.cached_info().config.num_replicas, 1);
}

#[tokio::test]
async fn a_log_without_a_signer_only_reads() {
    let lab = Lab::one().await;
    let mut config = lab.config(&lab.url());
    config.create = false;
    let ring = lab.keys.keyring.clone();
    let missing = JetStream::connect(config.clone(), stamps(), None, ring.clone()).await;
    let Err(missing) = missing else { panic!("nobody has made the streams") };
    assert!(missing.to_string().starts_with("stream AUTHZ does not exist"), "{missing}");

    let writer = lab.open().await;
    let subject = subject();
    let seq = writer.append(Stream::Catalog, vec![message(&subject, 0, "read")]).await.unwrap();
    let reader = JetStream::connect(config, stamps(), None, ring).await.unwrap();
    assert_eq!(texts(&reader.read(Stream::Catalog, &subject, 0, seq).await.unwrap()), ["read"]);
    let text = unique().to_string();
    assert!(reader.append(Stream::Catalog, vec![message(&subject, seq, &text)]).await.is_err());
    assert!(matches!(reader.barrier(Stream::Catalog).await, Err(LogError::ReadOnly)));
}

#[tokio::test]
async fn the_trace_context_stands_in_the_headers_too() {
    let lab = Lab::one().await;
    let log = lab.connect(&lab.url()).await.unwrap();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut traced = message(&subject(), 0, "traced");
    traced.envelope.traceparent = traceparent.into();
    let seq = log.append(STREAM, vec![traced]).await.unwrap();
    let stream = jetstream::new(log.client()).get_stream(STREAM.as_str()).await.unwrap();
    let stored = stream.get_raw_message(seq).await.unwrap();
    assert_eq!(stored.headers.get("traceparent").unwrap().as_str(), traceparent);
}
