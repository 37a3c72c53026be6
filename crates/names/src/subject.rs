//! NATS reads `.`, `*`, `>` and blanks in a subject as its own, so names are escaped before they enter one.

/// Escapes a name to `[a-z0-9_%-]`: any other byte becomes `%` and two lowercase hex digits. Two names never collide.
pub fn escape(name: &str) -> String {
    let mut token = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => token.push(char::from(byte)),
            _ => {
                token.push('%');
                token.push_str(&hex::encode([byte]));
            }
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::escape;
    use proptest::prelude::*;

    fn unescape(token: &str) -> Vec<u8> {
        let mut parts = token.split('%');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            bytes.extend(hex::decode(&part[..2]).unwrap());
            bytes.extend(&part.as_bytes()[2..]);
        }
        bytes
    }

    proptest! {
        #[test]
        fn no_two_names_share_a_subject(name in ".{0,40}") {
            let token = escape(&name);
            prop_assert!(token.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'%' | b'-')));
            prop_assert_eq!(unescape(&token), name.into_bytes());
        }
    }

    #[test]
    fn dots_and_wildcards_lose_their_meaning() {
        assert_eq!(escape("ruamel.yaml"), "ruamel%2eyaml");
        assert_eq!(escape("*.>"), "%2a%2e%3e");
    }
}
