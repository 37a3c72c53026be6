//! Waiting for a view while it moves: whoever waits must never stop whoever moves it.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use feed::client::AccessView;
use proto::event::v1::Envelope;

const EVENTS: u64 = 50_000;
const LIMIT: Duration = Duration::from_secs(60);

fn waiters_and_a_writer() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let view = AccessView::new(HashMap::new());
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let view = view.clone();
                tokio::spawn(async move {
                    // What has been reached is answered at once, as often as possible beside a move.
                    while view.wait_for(1, LIMIT).await.expect("it is reached") < EVENTS {}
                })
            })
            .collect();
        for seq in 1..=EVENTS {
            view.apply(seq, &Envelope::default()).expect("a barrier can be folded");
        }
        for waiter in waiters {
            waiter.await.expect("a waiter ends");
        }
    });
}

#[test]
fn waiters_do_not_stop_the_writer() {
    // A thread of its own: where they stop one another, no timer of theirs would fire either.
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        waiters_and_a_writer();
        done.send(()).ok();
    });
    ended.recv_timeout(LIMIT).expect("waiters and writer have stopped one another");
}
