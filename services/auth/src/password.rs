//! Passwords as argon2id, on a bounded number of threads: a flood of sign-ins must not take the memory or the cores that
//! revocations need.

use std::sync::Arc;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use runtime::{Code, Failure, Ids, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Hashes at a time; each takes 19 MiB and about 20 ms of a core.
const WORKING: usize = 2;
/// Sign-ins that may wait for their turn; more are told to come back.
const WAITING: usize = 64;
const SALT_BYTES: usize = 16;
const MIN_CHARS: usize = 8;
const MAX_BYTES: usize = 1024;

/// Hashes and checks passwords.
pub struct Passwords {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// Checked in place of the hash that an unknown login does not have, so that both take the same time.
    decoy: Secret,
}

impl Passwords {
    pub fn new(ids: &dyn Ids) -> Self {
        let decoy = hashed("", &salt(ids)).expect("default parameters and a fresh salt are valid");
        let (waiting, working) = (Semaphore::new(WAITING), Semaphore::new(WORKING));
        Self { waiting: Arc::new(waiting), working: Arc::new(working), decoy }
    }

    /// A place among those whose password is being checked; whoever finds none is told to come back.
    pub fn enter(&self) -> Result<Place, Failure> {
        let busy = |full: TryAcquireError| {
            Failure::new(Code::TooMany, "too many sign-ins at this moment: try again in a second")
                .retry_after_s(1)
                .because(full)
        };
        Ok(Place(self.waiting.clone().try_acquire_owned().map_err(busy)?))
    }

    /// The PHC string of a password, if it may be one.
    pub async fn hash(&self, password: Secret, ids: &dyn Ids) -> Result<Secret, Failure> {
        let chars = password.expose().chars().count();
        if chars < MIN_CHARS || password.expose().len() > MAX_BYTES {
            let message =
                format!("a password has at least {MIN_CHARS} characters and at most {MAX_BYTES} bytes");
            return Err(Failure::new(Code::Invalid, message));
        }
        let salt = salt(ids);
        let place = self.enter()?;
        self.work(place, move || hashed(password.expose(), &salt)).await?.map_err(Failure::internal)
    }

    /// Whether this is the password; with no hash it never is, after the same work.
    pub async fn verify(
        &self,
        place: Place,
        password: Secret,
        hash: Option<Secret>,
    ) -> Result<bool, Failure> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        if password.expose().len() > MAX_BYTES {
            return Ok(false);
        }
        let verify =
            move || Argon2::default().verify_password(password.expose().as_bytes(), hash.expose()).is_ok();
        Ok(self.work(place, verify).await? && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let working = self.working.clone().acquire_owned().await.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, working);
            work()
        });
        done.await.map_err(Failure::internal)
    }
}

/// Held from before the first look-up of a sign-in to the end of its hashing: a flood must not reach the log either.
pub struct Place(#[expect(dead_code, reason = "it counts for as long as it lives")] OwnedSemaphorePermit);

fn salt(ids: &dyn Ids) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    ids.fill(&mut salt);
    salt
}

fn hashed(password: &str, salt: &[u8]) -> Result<Secret, argon2::password_hash::Error> {
    Ok(Secret::new(Argon2::default().hash_password_with_salt(password.as_bytes(), salt)?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::CountingIds;

    #[tokio::test]
    async fn only_the_password_itself_is_accepted() {
        let ids = CountingIds::new();
        let passwords = Passwords::new(&ids);
        let hash = passwords.hash(Secret::new("correct horse"), &ids).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$"), "{}", hash.expose());
        let verify = async |password: &str, hash| {
            passwords
                .verify(
                    passwords.enter().unwrap_or_else(|_| panic!("there is room")),
                    Secret::new(password),
                    hash,
                )
                .await
                .unwrap()
        };
        assert!(verify("correct horse", Some(hash.clone())).await);
        assert!(!verify("correct house", Some(hash)).await);
        assert!(!verify("", None).await);
    }

    #[test]
    fn a_flood_is_told_to_come_back() {
        let passwords = Passwords::new(&CountingIds::new());
        let held: Vec<_> =
            (0..WAITING).map(|_| passwords.enter().unwrap_or_else(|_| panic!("there is room"))).collect();
        let Err(failure) = passwords.enter() else { panic!("there is no room") };
        assert_eq!((failure.code, failure.retry_after_s), (Code::TooMany, Some(1)));
        drop(held);
        assert!(passwords.enter().is_ok());
    }

    #[tokio::test]
    async fn a_password_is_neither_tiny_nor_huge() {
        let ids = CountingIds::new();
        let passwords = Passwords::new(&ids);
        for wrong in ["1234567".to_owned(), "x".repeat(MAX_BYTES + 1)] {
            assert_eq!(passwords.hash(Secret::new(wrong), &ids).await.unwrap_err().code, Code::Invalid);
        }
    }
}
