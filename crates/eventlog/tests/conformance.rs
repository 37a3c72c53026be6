//! One suite for every log: what the domain relies on holds in memory, on one server and on three.

#[cfg(test)]
#[path = "conformance/lab.rs"]
mod lab;
#[cfg(test)]
#[path = "conformance/promises.rs"]
mod promises;

use lab::Lab;

/// Names every promise once; each log runs all of them.
macro_rules! promises {
    ($($promise:ident,)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $promise() {
                crate::promises::$promise(&crate::Lab::memory(eventlog::Replicas::One)).await;
                crate::promises::$promise(&crate::Lab::memory(eventlog::Replicas::Three)).await;
            })*
        }

        mod one_server {
            $(#[tokio::test]
            async fn $promise() {
                crate::promises::$promise(&crate::Lab::one().await).await;
            })*
        }

        mod three_servers {
            /// On one cluster, as it takes seconds to agree.
            #[tokio::test]
            async fn every_promise_is_kept() {
                let lab = crate::Lab::three().await;
                $(crate::promises::$promise(&lab).await;)*
            }
        }
    };
}

promises! {
    of_two_hundred_writers_one_wins,
    a_stale_expectation_conflicts_and_stores_nothing,
    a_batch_is_stored_whole_or_not_at_all,
    a_read_up_to_a_barrier_is_complete,
    a_long_aggregate_is_read_whole,
    a_tail_delivers_everything_in_order_from_any_position,
    an_envelope_may_be_as_large_as_the_limit_and_no_larger,
    another_epoch_is_refused,
}
