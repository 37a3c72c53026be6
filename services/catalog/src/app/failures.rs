//! What a caller is told of a refusal or a fault.

use eventlog::{AppendError, ExecuteError, LogError};
use runtime::{Code, Failure};

use crate::domain::{artifacts, channel, group, name, package};
use crate::inspect;

/// A decision that did not take effect.
pub(super) fn of_decision<R: Into<Failure>>(error: ExecuteError<R>) -> Failure {
    match error {
        ExecuteError::Refused(refusal) => refusal.into(),
        ExecuteError::Void { .. } => {
            Failure::new(Code::Unauthenticated, "this token was revoked before the change took effect")
        }
        ExecuteError::Conflict => {
            Failure::new(Code::Conflict, "others keep changing the same thing; try again").retry_after_s(1)
        }
        ExecuteError::Append(error) => of_append(error),
        ExecuteError::Log(error) => of_log(error),
    }
}

fn of_append(error: AppendError) -> Failure {
    match &error {
        AppendError::TooLarge { .. } => Failure::new(Code::TooLarge, error.to_string()),
        AppendError::Full | AppendError::Unavailable(_) | AppendError::Conflict { .. } => {
            Failure::unavailable("the change could not be recorded; try again in a moment").because(error)
        }
    }
}

/// A log that could not be read.
pub(super) fn of_log(error: LogError) -> Failure {
    match &error {
        LogError::Unavailable(_) => {
            Failure::unavailable("the event log cannot be reached; try again in a moment").because(error)
        }
        LogError::Unfit(_)
        | LogError::WrongEpoch { .. }
        | LogError::BadSignature { .. }
        | LogError::Undecodable { .. }
        | LogError::ReadOnly => Failure::internal(error),
    }
}

/// A store of files that did not do what was asked.
pub(super) fn of_blobs(error: blobs::Error) -> Failure {
    match &error {
        blobs::Error::TooLarge { .. } => Failure::new(Code::TooLarge, error.to_string()),
        blobs::Error::InvalidKey(_) => Failure::new(Code::Invalid, error.to_string()),
        blobs::Error::NotFound { .. } => {
            Failure::new(Code::Invalid, "there is no such upload: send the file again").because(error)
        }
        blobs::Error::BrokenOff(_) | blobs::Error::Unavailable(_) => {
            Failure::unavailable("the store of files cannot be reached; try again in a moment").because(error)
        }
        blobs::Error::RangeBeyondEnd { .. } => Failure::internal(error),
    }
}

/// An archive that gave no facts.
pub(super) fn of_inspection(failed: inspect::Failed) -> Failure {
    match failed {
        inspect::Failed::Refused(refusal) if refusal.is_size() => {
            Failure::new(Code::TooLarge, refusal.to_string())
        }
        inspect::Failed::Refused(refusal) => Failure::new(Code::Invalid, refusal.to_string()),
        inspect::Failed::Fault(error) => Failure::internal(error),
    }
}

/// A caller's own mistake.
pub(super) fn invalid(reason: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Invalid, reason.to_string())
}

impl From<name::Refusal> for Failure {
    fn from(refusal: name::Refusal) -> Self {
        let name::Refusal::Taken = refusal;
        Self::new(Code::Exists, refusal.to_string())
    }
}

impl From<channel::Refusal> for Failure {
    fn from(refusal: channel::Refusal) -> Self {
        let code = match refusal {
            channel::Refusal::AlreadyCreated => Code::Exists,
            channel::Refusal::Gone => Code::NotFound,
            channel::Refusal::Description | channel::Refusal::Owner => Code::Invalid,
            channel::Refusal::TooMany | channel::Refusal::TooManyLocks => Code::Conflict,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<group::Refusal> for Failure {
    fn from(refusal: group::Refusal) -> Self {
        let code = match refusal {
            group::Refusal::NameTaken => Code::Exists,
            group::Refusal::Gone => Code::NotFound,
            group::Refusal::Description => Code::Invalid,
            group::Refusal::TooMany | group::Refusal::TooManyMembers => Code::Conflict,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<package::Refusal> for Failure {
    fn from(refusal: package::Refusal) -> Self {
        let code = match refusal {
            package::Refusal::Gone => Code::NotFound,
            package::Refusal::TooMany => Code::Conflict,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<artifacts::Refusal> for Failure {
    fn from(refusal: artifacts::Refusal) -> Self {
        let code = match refusal {
            artifacts::Refusal::CondaExists(_)
            | artifacts::Refusal::PlainExists(_)
            | artifacts::Refusal::PythonExists(_)
            | artifacts::Refusal::NameUsed(_)
            | artifacts::Refusal::SdistExists(_) => Code::Exists,
            artifacts::Refusal::NotFound(_) => Code::NotFound,
            artifacts::Refusal::Locked(_)
            | artifacts::Refusal::TooManyLabels(_)
            | artifacts::Refusal::Replaced(_) => Code::Conflict,
        };
        Self::new(code, refusal.to_string())
    }
}
