//! Personal fields under a key of their account, in a bucket that only auth uses. Once the key is deleted they cannot be
//! read any more, wherever the log has been copied to.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, kv};
use names::AccountId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use runtime::{Failure, Ids, Secret};
use tokio::time::sleep;
use zeroize::Zeroizing;

use crate::domain::account::Sealed;

const KEY_BYTES: usize = 32;

/// After so long a key is not asked for again: a new leader of its bucket is found sooner (4 to 9 s).
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// The names of personal fields, authenticated with what they hold: one field cannot be passed off as another.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    Login,
    PasswordHash,
    /// Where a request came from.
    FromAddress,
    /// Where a list goes on; it leaves the server and comes back.
    Page,
    /// A code for a program; it leaves the server and comes back.
    AuthorizationCode,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::PasswordHash => "password_hash",
            Self::FromAddress => "from_address",
            Self::Page => "page",
            Self::AuthorizationCode => "authorization_code",
        }
    }
}

/// The accounts' keys.
#[derive(Clone)]
pub struct Keys {
    bucket: kv::Store,
    ids: Arc<dyn Ids>,
}

/// One account's key.
pub struct AccountKey {
    key: LessSafeKey,
    ids: Arc<dyn Ids>,
}

impl Keys {
    /// Opens the bucket.
    pub async fn open(context: jetstream::Context, ids: Arc<dyn Ids>) -> Result<Self, Failure> {
        let bucket = context.get_key_value(eventlog::ACCOUNT_KEYS).await.map_err(away)?;
        Ok(Self { bucket, ids })
    }

    /// Makes an account's key; it is stored before this returns.
    pub async fn create(&self, account: AccountId) -> Result<AccountKey, Failure> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        self.ids.fill(&mut *bytes);
        let stored = bytes.to_vec().into();
        self.bucket.create(account.to_string(), stored).await.map_err(away)?;
        Ok(self.key(&*bytes).expect("the key has the length that AES-256 needs"))
    }

    /// An account's key, unless it was erased.
    pub async fn read(&self, account: AccountId) -> Result<Option<AccountKey>, Failure> {
        let bytes = again(|| self.bucket.get(account.to_string())).await?;
        Ok(bytes.and_then(|bytes| self.key(&bytes)))
    }

    /// Deletes an account's key, and with it what only it could read.
    pub async fn erase(&self, account: AccountId) -> Result<(), Failure> {
        again(|| self.bucket.purge(account.to_string())).await
    }

    fn key(&self, bytes: &[u8]) -> Option<AccountKey> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).ok()?;
        Some(AccountKey { key: LessSafeKey::new(key), ids: self.ids.clone() })
    }
}

impl AccountKey {
    /// Nonce, ciphertext, tag.
    pub fn seal(&self, field: Field, text: &Secret) -> Sealed {
        self.seal_bytes(field, text.expose().as_bytes())
    }

    /// The text, or nothing if it was sealed by another key or for another field.
    pub fn open(&self, field: Field, sealed: &Sealed) -> Option<Secret> {
        let bytes = self.open_bytes(field, sealed)?;
        std::str::from_utf8(&bytes).ok().map(Secret::new)
    }

    /// The same for bytes.
    pub fn seal_bytes(&self, field: Field, bytes: &[u8]) -> Sealed {
        let mut nonce = [0; NONCE_LEN];
        self.ids.fill(&mut nonce);
        let mut sealed = bytes.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(field.name().as_bytes()),
                &mut sealed,
            )
            .expect("a field is far below AES-GCM's limit");
        Sealed([&nonce[..], &sealed].concat())
    }

    /// The same for bytes.
    pub fn open_bytes(&self, field: Field, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.0.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            self.key.open_in_place(nonce, Aad::from(field.name().as_bytes()), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

/// Repeats what may be repeated while the bucket has nobody who leads it.
async fn again<T, E, F>(ask: impl Fn() -> F) -> Result<T, Failure>
where
    E: std::error::Error + Send + Sync + 'static,
    F: Future<Output = Result<T, E>>,
{
    let patience = sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        tokio::select! {
            biased;
            () = &mut patience => return Err(away(error)),
            () = sleep(BETWEEN_TRIES) => {}
        }
    }
}

fn away(source: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::unavailable("the accounts' keys cannot be reached: try again in a moment").because(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::CountingIds;

    fn key(byte: u8) -> AccountKey {
        let key = UnboundKey::new(&AES_256_GCM, &[byte; KEY_BYTES]).unwrap();
        AccountKey { key: LessSafeKey::new(key), ids: Arc::new(CountingIds::new()) }
    }

    #[test]
    fn a_field_is_read_with_its_own_key_and_name_only() {
        let sealed = key(1).seal(Field::Login, &Secret::new("ann"));
        assert_eq!(key(1).open(Field::Login, &sealed).unwrap().expose(), "ann");
        assert!(key(2).open(Field::Login, &sealed).is_none());
        assert!(key(1).open(Field::PasswordHash, &sealed).is_none());
        assert!(key(1).open(Field::Login, &Sealed(vec![])).is_none());
        assert!(!String::from_utf8_lossy(&sealed.0).contains("ann"));
    }
}
