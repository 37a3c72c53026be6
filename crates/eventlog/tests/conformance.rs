//! One suite for every log: what the domain relies on holds in memory, on one server and on three.

#[cfg(test)]
#[path = "conformance/faults.rs"]
mod faults;
#[cfg(test)]
#[path = "conformance/lab.rs"]
mod lab;
#[cfg(test)]
#[path = "conformance/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "conformance/promises.rs"]
mod promises;
#[cfg(test)]
#[path = "conformance/proxy.rs"]
mod proxy;
#[cfg(test)]
#[path = "conformance/servers.rs"]
mod real;
#[cfg(test)]
#[path = "conformance/subscriptions.rs"]
mod subscriptions;

use lab::Lab;

/// Names every promise once; each log runs all of them.
macro_rules! promises {
    ($($module:ident::$promise:ident,)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $promise() {
                crate::$module::$promise(&crate::Lab::memory(eventlog::Replicas::One)).await;
                crate::$module::$promise(&crate::Lab::memory(eventlog::Replicas::Three)).await;
            })*
        }

        mod one_server {
            $(#[tokio::test]
            async fn $promise() {
                crate::$module::$promise(&crate::Lab::one().await).await;
            })*
        }

        mod three_servers {
            /// On one cluster, as it takes seconds to agree.
            #[tokio::test]
            async fn every_promise_is_kept() {
                let lab = crate::Lab::three().await;
                $(crate::$module::$promise(&lab).await;)*
            }
        }
    };
}

promises! {
    promises::of_two_hundred_writers_one_wins,
    promises::a_stale_expectation_conflicts_and_stores_nothing,
    promises::a_batch_is_stored_whole_or_not_at_all,
    promises::a_read_up_to_a_barrier_is_complete,
    promises::a_long_aggregate_is_read_whole,
    promises::a_tail_delivers_everything_in_order_from_any_position,
    promises::an_envelope_may_be_as_large_as_the_limit_and_no_larger,
    promises::another_epoch_is_refused,
    promises::a_position_that_the_log_has_not_reached_is_refused,
    subscriptions::a_subscriber_is_told_what_it_wants_and_how_far_the_log_was_looked_through,
    subscriptions::a_time_leads_to_a_place_before_everything_stored_since,
    faults::an_append_whose_ack_is_lost_is_stored_once,
    faults::a_batch_whose_ack_is_lost_is_stored_once,
    faults::a_lost_message_does_not_hide_another_writer,
    faults::a_read_does_not_wait_for_ever_for_what_nobody_sends,
    faults::a_tail_has_no_gap_across_reconnects,
    faults::a_message_that_nobody_trusted_has_signed_is_refused,
    limits::a_full_stream_still_revokes,
    limits::a_log_that_is_away_says_so_within_seconds,
}
