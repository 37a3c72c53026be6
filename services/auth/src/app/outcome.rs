//! From refusals and faults to what the caller is told.

use access::{Action, Caller, Object, Refusal, Table, Why};
use eventlog::{AppendError, ExecuteError, LogError};
use runtime::{Code, Failure};

use crate::domain::{account, name, role, token};

/// A refusal of the access table, in its own words.
pub fn denied(
    table: &Table,
    caller: &Caller,
    refusal: &Refusal,
    action: Action,
    object: &Object<'_>,
) -> Failure {
    let code = match refusal.why {
        Why::NotSignedIn | Why::Unknown | Why::Expired { .. } | Why::Revoked { .. } | Why::Disabled => {
            Code::Unauthenticated
        }
        Why::Missing | Why::Frozen | Why::SessionNeeded | Why::ScopeMissing => Code::Forbidden,
        Why::Absent => Code::NotFound,
    };
    Failure::new(code, table.refusal_words(caller, refusal, action, object))
}

impl From<account::Refusal> for Failure {
    fn from(refusal: account::Refusal) -> Self {
        use account::Refusal as R;
        let code = match &refusal {
            R::Exists => Code::Exists,
            R::NotFound => Code::NotFound,
            R::PasswordMissing
            | R::PasswordOfNobody
            | R::OwnerMissing
            | R::TooManyOwners
            | R::OwnersOfPerson
            | R::AdminNotPerson => Code::Invalid,
            R::OwnAccount => Code::Conflict,
            R::Disabled => Code::Forbidden,
            R::Token(refusal) => code_of(refusal),
        };
        Self::new(code, refusal.to_string())
    }
}

fn code_of(refusal: &token::Refusal) -> Code {
    use token::Refusal as R;
    match refusal {
        R::NameTaken(_) | R::AlreadyIssued => Code::Exists,
        R::PastExpiry
        | R::TooLong(_)
        | R::Neither
        | R::Both
        | R::TooManyGrants
        | R::ChannelTwice
        | R::SignInProlonged
        | R::OverlapTooLong => Code::Invalid,
        R::KindBeyondMaker | R::ScopeBeyondMaker(_) | R::ExpiryBeyondMaker => Code::Forbidden,
        R::Revoked | R::Expired => Code::Conflict,
        R::TooMany | R::TooManyStrings => Code::TooMany,
        R::NotFound => Code::NotFound,
    }
}

impl From<name::Refusal> for Failure {
    fn from(refusal: name::Refusal) -> Self {
        match refusal {
            name::Refusal::Taken => Self::new(Code::Exists, refusal.to_string()),
        }
    }
}

impl From<role::Refusal> for Failure {
    fn from(refusal: role::Refusal) -> Self {
        use role::Refusal as R;
        let code = match refusal {
            R::NameTaken => Code::Exists,
            R::Gone => Code::NotFound,
            R::Description => Code::Invalid,
            R::TooMany | R::TooManyHolders => Code::TooMany,
            R::LastAdmin => Code::Conflict,
        };
        Self::new(code, refusal.to_string())
    }
}

/// What came of `execute` in place of a result.
pub(super) fn unexecuted(error: ExecuteError<Failure>) -> Failure {
    match error {
        ExecuteError::Refused(failure) => failure,
        ExecuteError::Void { seq } => {
            tracing::info!(seq, "a decision was void: its maker was dead when it landed");
            Failure::new(
                Code::Unauthenticated,
                "the token was revoked before this took effect: nothing was changed",
            )
        }
        ExecuteError::Conflict => {
            Failure::new(Code::Conflict, "others keep changing the same thing: try again in a moment")
        }
        ExecuteError::Append(error) => match &error {
            AppendError::TooLarge { .. } => Failure::new(Code::TooLarge, error.to_string()).because(error),
            AppendError::Full => Failure::unavailable(error.to_string()).because(error),
            AppendError::Conflict { .. } | AppendError::Unavailable(_) => away(error),
        },
        ExecuteError::Log(error) => unread(error),
    }
}

/// What came of reading the log in place of a state.
pub(super) fn unread(error: LogError) -> Failure {
    match error {
        LogError::Unavailable(_) | LogError::ReadOnly => away(error),
        LogError::Unfit(_)
        | LogError::WrongEpoch { .. }
        | LogError::BadSignature { .. }
        | LogError::Undecodable { .. } => Failure::internal(error),
    }
}

fn away(source: impl std::error::Error + Send + Sync + 'static) -> Failure {
    // What was sent may have been stored and its answer lost.
    Failure::unavailable(
        "the event log cannot be reached: try again in a moment; a change may have been made all the same, so look first",
    )
    .because(source)
}
