//! The shape of a token string: `lk`, a kind letter, `-`, 30 random base62 characters, and 6 base62
//! characters of the CRC-32 of those 30.
//!
//! Letters, digits and one hyphen only: conda cuts a token at anything else. The checksum is no
//! secret; it lets garbage be refused without a look-up and secret scanners be exact.

use ring::digest;
use zeroize::Zeroize;

/// What secret scanners look for. A match whose checksum does not hold is not one of ours.
pub const PATTERN: &str = r"\blk[rsv]-[0-9A-Za-z]{36}\b";

/// Random characters in a token: 30 of base62 are 178 bits.
pub const RANDOM_CHARS: usize = 30;
const CHECK_CHARS: usize = 6;
const PREFIX_CHARS: usize = 4;

/// Characters in a whole token string.
pub const CHARS: usize = PREFIX_CHARS + RANDOM_CHARS + CHECK_CHARS;

/// Random bytes that [`mint`] takes.
pub const RANDOM_BYTES: usize = 32;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What kind of caller a string belongs to, readable from the string itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Levels on named channels.
    Resource,
    /// A signed-in person.
    Session,
    /// One of our own services.
    Service,
}

impl Kind {
    fn letter(self) -> u8 {
        match self {
            Self::Resource => b'r',
            Self::Session => b's',
            Self::Service => b'v',
        }
    }

    fn from_letter(letter: u8) -> Option<Self> {
        [Self::Resource, Self::Session, Self::Service].into_iter().find(|kind| kind.letter() == letter)
    }
}

/// Makes a string from random bytes, which must be fresh and secret.
pub fn mint(kind: Kind, random: [u8; RANDOM_BYTES]) -> String {
    let mut token = String::with_capacity(CHARS);
    token.push_str("lk");
    token.push(char::from(kind.letter()));
    token.push('-');
    push_random(&mut token, random);
    let check = crc32fast::hash(&token.as_bytes()[PREFIX_CHARS..]);
    push_check(&mut token, check);
    token
}

/// The kind of a well-formed string, or nothing: wrong length, letters or checksum.
pub fn check(token: &str) -> Option<Kind> {
    let bytes = token.as_bytes();
    if bytes.len() != CHARS || &bytes[..2] != b"lk" || bytes[3] != b'-' {
        return None;
    }
    let kind = Kind::from_letter(bytes[2])?;
    let (random, check) = bytes[PREFIX_CHARS..].split_at(RANDOM_CHARS);
    if !random.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    (check == check_chars(crc32fast::hash(random))).then_some(kind)
}

/// Draws characters by rejection, so that all 62 are equally likely; a hash chain refills the bytes.
fn push_random(token: &mut String, mut random: [u8; RANDOM_BYTES]) {
    let wanted = token.len() + RANDOM_CHARS;
    while token.len() < wanted {
        for byte in random.iter().filter(|byte| **byte < 248) {
            if token.len() < wanted {
                token.push(char::from(BASE62[usize::from(byte % 62)]));
            }
        }
        let next = digest::digest(&digest::SHA256, &random);
        random.copy_from_slice(next.as_ref());
    }
    random.zeroize();
}

fn push_check(token: &mut String, check: u32) {
    token.extend(check_chars(check).map(char::from));
}

fn check_chars(mut check: u32) -> [u8; CHECK_CHARS] {
    let mut chars = [b'0'; CHECK_CHARS];
    for place in chars.iter_mut().rev() {
        *place = BASE62[(check % 62) as usize];
        check /= 62;
    }
    chars
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_minted_string_is_recognised_and_has_only_safe_characters(random: [u8; RANDOM_BYTES]) {
            for kind in [Kind::Resource, Kind::Session, Kind::Service] {
                let token = mint(kind, random);
                prop_assert_eq!(token.len(), CHARS);
                prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
                prop_assert_eq!(check(&token), Some(kind));
            }
        }

        #[test]
        fn one_changed_character_is_noticed(random: [u8; RANDOM_BYTES], at in PREFIX_CHARS..CHARS) {
            let mut token = mint(Kind::Resource, random).into_bytes();
            token[at] = if token[at] == b'a' { b'b' } else { b'a' };
            prop_assert_eq!(check(&String::from_utf8(token).unwrap()), None);
        }

        #[test]
        fn any_text_is_survived(text: String) {
            check(&text);
        }
    }
}
