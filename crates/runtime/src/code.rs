//! The closed list of outcomes. It is the only way from a refusal or a fault to an HTTP or gRPC
//! status, and the only label metrics use for how a call ended.

/// How a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is wrong, whoever asks and whenever.
    Invalid,
    /// No credential, or one that opens nothing.
    Unauthenticated,
    /// A good credential that may not do this.
    Forbidden,
    /// The thing is not there, or not for this caller.
    NotFound,
    /// The thing is there already, and is another one.
    Exists,
    /// Somebody else changed it first, or its state does not allow this.
    Conflict,
    /// More bytes, entries or time than the limit.
    TooLarge,
    /// Too many calls; later they would succeed.
    TooMany,
    /// Something this service needs is away; the same call may succeed later.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl Code {
    /// Every code, for tables and metrics.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Exists,
        Self::Conflict,
        Self::TooLarge,
        Self::TooMany,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The name in logs, metrics and problem documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Exists | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// The gRPC code.
    pub fn grpc(self) -> tonic::Code {
        match self {
            Self::Invalid => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::Forbidden => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::Exists => tonic::Code::AlreadyExists,
            Self::Conflict => tonic::Code::Aborted,
            // tonic answers the same when a message is over its limit.
            Self::TooLarge => tonic::Code::OutOfRange,
            Self::TooMany => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Internal => tonic::Code::Internal,
        }
    }

    /// What a gRPC code means here; `None` is success.
    pub fn from_grpc(code: tonic::Code) -> Option<Self> {
        match code {
            tonic::Code::Ok => None,
            tonic::Code::InvalidArgument => Some(Self::Invalid),
            tonic::Code::Unauthenticated => Some(Self::Unauthenticated),
            tonic::Code::PermissionDenied => Some(Self::Forbidden),
            tonic::Code::NotFound => Some(Self::NotFound),
            tonic::Code::AlreadyExists => Some(Self::Exists),
            tonic::Code::Aborted | tonic::Code::FailedPrecondition => Some(Self::Conflict),
            tonic::Code::OutOfRange => Some(Self::TooLarge),
            tonic::Code::ResourceExhausted => Some(Self::TooMany),
            tonic::Code::Unavailable | tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => {
                Some(Self::Unavailable)
            }
            tonic::Code::Unknown
            | tonic::Code::Unimplemented
            | tonic::Code::Internal
            | tonic::Code::DataLoss => Some(Self::Internal),
        }
    }

    /// What an HTTP status means here; `None` is success or a redirect.
    pub fn from_http(status: u16) -> Option<Self> {
        match status {
            0..400 => None,
            401 => Some(Self::Unauthenticated),
            403 => Some(Self::Forbidden),
            404 => Some(Self::NotFound),
            409 => Some(Self::Conflict),
            413 => Some(Self::TooLarge),
            429 => Some(Self::TooMany),
            400..500 => Some(Self::Invalid),
            502..=504 => Some(Self::Unavailable),
            500.. => Some(Self::Internal),
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_grpc() {
        for code in Code::ALL {
            assert_eq!(Code::from_grpc(code.grpc()), Some(code));
        }
    }

    #[test]
    fn every_code_is_an_error_in_http() {
        for code in Code::ALL {
            let back = Code::from_http(code.http_status()).expect("an error status");
            assert_eq!(back.http_status(), code.http_status());
        }
        assert_eq!(Code::from_http(304), None);
    }
}
