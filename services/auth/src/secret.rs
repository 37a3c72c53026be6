//! Token strings: made here, shown once, and known afterwards only by their SHA-256.

use access::SecretHash;
use access::token_string::{self, Kind, RANDOM_BYTES};
use runtime::{Ids, Secret};
use zeroize::Zeroize as _;

/// Makes a string and its hash.
pub fn mint(kind: Kind, ids: &dyn Ids) -> (Secret, SecretHash) {
    let mut random = [0; RANDOM_BYTES];
    ids.fill(&mut random);
    let secret = Secret::new(token_string::mint(kind, random));
    random.zeroize();
    let hash = SecretHash::of(secret.expose());
    (secret, hash)
}
