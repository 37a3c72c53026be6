//! Our own services as callers, and the credentials by which they are known.

use std::collections::HashMap;

use crate::SecretHash;

/// Our own services, each a caller of its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Issues and revokes.
    Auth,
    /// Owns channels and their contents.
    Catalog,
    /// Serves HTTP.
    Gateway,
    /// Builds read models.
    Projector,
}

impl Service {
    /// The name under which credentials are configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Catalog => "catalog",
            Self::Gateway => "gateway",
            Self::Projector => "projector",
        }
    }
}

impl std::str::FromStr for Service {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Auth, Self::Catalog, Self::Gateway, Self::Projector]
            .into_iter()
            .find(|service| service.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no service: expected auth, catalog, gateway or projector"))
    }
}

/// Why the services' credentials were not taken.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Not the expected document.
    #[error("expected JSON {{service: SHA-256 in hex}}")]
    Json(#[from] serde_json::Error),
    /// A name that is no service's.
    #[error("{0}")]
    Name(String),
    /// Not 64 hex digits.
    #[error("the credential of {0} is not 64 hex digits")]
    Hash(String),
}

/// Reads the services' credentials: JSON, from each service's name to the SHA-256 of its credential in hex.
pub fn credentials(json: &str) -> Result<HashMap<SecretHash, Service>, CredentialsError> {
    let texts: HashMap<String, String> = serde_json::from_str(json)?;
    let service = |(name, digits): (String, String)| {
        let service = name.parse::<Service>().map_err(CredentialsError::Name)?;
        let hash = hex::decode(digits).ok().and_then(|bytes| SecretHash::from_slice(&bytes));
        Ok((hash.ok_or(CredentialsError::Hash(name))?, service))
    };
    texts.into_iter().map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_faults_are_named() {
        let hash = SecretHash::of("x");
        let read = credentials(&format!(r#"{{"gateway": "{}"}}"#, hex::encode(hash.0))).unwrap();
        assert_eq!(read.get(&hash), Some(&Service::Gateway));
        for (wrong, says) in [
            ("[]", "expected JSON {service: SHA-256 in hex}"),
            (r#"{"x": ""}"#, r#""x" is no service: expected auth, catalog, gateway or projector"#),
            (r#"{"auth": "ab"}"#, "the credential of auth is not 64 hex digits"),
        ] {
            assert_eq!(credentials(wrong).unwrap_err().to_string(), says);
        }
    }
}
