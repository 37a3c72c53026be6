//! One decision about two aggregates of one stream, appended as an atomic batch.

use super::{ATTEMPTS, Done, ExecuteError, Store};
use crate::{AppendError, Message, Meta};

/// What two aggregates' decision appends to each.
type Both<A, B> = (Vec<A>, Vec<B>);

/// Decides on two aggregates at once: an account with its login, a channel with its name.
///
/// A batch costs about 8 ms and 120 a second per stream in all: never on a hot path. A side without
/// events takes part in the decision, but its state is not proven by the append.
pub async fn execute_pair<S1, E1, S2, E2, R>(
    (first, first_subject): (&Store<S1, E1>, &str),
    (second, second_subject): (&Store<S2, E2>, &str),
    meta: &Meta,
    mut decide: impl FnMut(Option<&S1>, Option<&S2>) -> Result<Both<E1, E2>, R> + Send,
) -> Result<(Done<S1>, Done<S2>), ExecuteError<R>>
where
    S1: Clone + Send + Sync + 'static,
    E1: Send + 'static,
    S2: Clone + Send + Sync + 'static,
    E2: Send + 'static,
    R: Send,
{
    assert_eq!(first.stream, second.stream, "a batch stays in one stream");
    // Locked in the order of their subjects, so that two pairs cannot wait for each other.
    let (mut one, mut two) = if first_subject <= second_subject {
        let one = first.entry(first_subject).await?;
        (one, second.entry(second_subject).await?)
    } else {
        let two = second.entry(second_subject).await?;
        (first.entry(first_subject).await?, two)
    };
    if !one.loaded {
        first.catch_up(first_subject, &mut one, 0).await?;
    }
    if !two.loaded {
        second.catch_up(second_subject, &mut two, 0).await?;
    }
    let mut proven = false;
    for _ in 0..ATTEMPTS {
        let decision = decide(one.state.as_deref(), two.state.as_deref());
        let nothing = decision.as_ref().is_ok_and(|(left, right)| left.is_empty() && right.is_empty());
        if (decision.is_err() || nothing) && !proven {
            first.refresh(first_subject, &mut one).await?;
            second.refresh(second_subject, &mut two).await?;
            proven = true;
            continue;
        }
        let (left, right) = decision.map_err(ExecuteError::Refused)?;
        let appended = (!left.is_empty(), !right.is_empty());
        let mut messages = Vec::new();
        if appended.0 {
            let envelope = meta.envelope(&first.stamps, left.iter().map(first.rules.encode).collect());
            messages.push(Message { subject: first_subject.into(), expect: one.seq, envelope });
        }
        if appended.1 {
            let envelope = meta.envelope(&second.stamps, right.iter().map(second.rules.encode).collect());
            messages.push(Message { subject: second_subject.into(), expect: two.seq, envelope });
        }
        let members = messages.len() as u64;
        let last = match members {
            0 => 0,
            _ => match first.log.append(first.stream, messages).await {
                Ok(last) => last,
                Err(AppendError::Conflict { .. }) => {
                    first.refresh(first_subject, &mut one).await?;
                    second.refresh(second_subject, &mut two).await?;
                    proven = true;
                    continue;
                }
                Err(error) => return Err(ExecuteError::Append(error)),
            },
        };
        // Members of a batch stand one behind the other.
        let void = members > 0 && first.voids.is_void(last).await?;
        if appended.0 {
            one.evolve(&first.rules, last + 1 - members, if void { Vec::new() } else { left });
        }
        if appended.1 {
            two.evolve(&second.rules, last, if void { Vec::new() } else { right });
        }
        if void {
            return Err(ExecuteError::Void { seq: last });
        }
        let one = Done { seq: one.seq, appended: appended.0, state: one.state.clone() };
        let two = Done { seq: two.seq, appended: appended.1, state: two.state.clone() };
        return Ok((one, two));
    }
    Err(ExecuteError::Conflict)
}
