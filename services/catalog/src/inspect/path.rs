//! Names of members: relative, inside, and no two alike.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::{limits::NAME_BYTES, refusal::Refusal};

/// What an error message shows of a name.
pub(super) fn shown(name: &[u8]) -> String {
    const SHOWN_CHARS: usize = 120;
    String::from_utf8_lossy(name).chars().take(SHOWN_CHARS).collect()
}

/// The name without `.` segments and doubled or trailing slashes, refused if it is absolute or climbs.
/// A backslash counts as a separator as well, since it is one where the archive may be unpacked.
pub(super) fn clean(name: &[u8]) -> Result<Vec<u8>, Refusal> {
    let refused = |why| Err(Refusal::MemberName { member: shown(name), why });
    if name.len() > NAME_BYTES {
        return refused("it is too long");
    }
    if name.contains(&0) {
        return refused("it holds a zero byte");
    }
    let drive = name.len() > 1 && name[1] == b':' && name[0].is_ascii_alphabetic();
    if name.starts_with(b"/") || name.starts_with(b"\\") || drive || climbs(name) {
        return Err(Refusal::Traversal { member: shown(name) });
    }
    let segments = name.split(|&byte| byte == b'/').filter(|segment| !matches!(*segment, b"" | b"."));
    Ok(segments.collect::<Vec<_>>().join(&b'/'))
}

fn climbs(name: &[u8]) -> bool {
    name.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| segment == b"..")
}

/// Whether a symbolic link in `member`'s folder stays inside the archive.
pub(super) fn stays_inside(member: &[u8], target: &[u8]) -> bool {
    if target.is_empty()
        || target.starts_with(b"/")
        || target.starts_with(b"\\")
        || target.get(1) == Some(&b':')
    {
        return false;
    }
    let mut depth = member.split(|&byte| byte == b'/').count() - 1;
    for segment in target.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment {
            b"" | b"." => {}
            b".." if depth == 0 => return false,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

/// The names seen so far. It keeps 128 bits of each, so that its size is bounded by the number of members alone.
#[derive(Default)]
pub(super) struct Seen {
    states: (RandomState, RandomState),
    files: HashSet<u128>,
    links: HashSet<u128>,
}

impl Seen {
    fn key(&self, name: &[u8]) -> u128 {
        (u128::from(self.states.0.hash_one(name)) << 64) | u128::from(self.states.1.hash_one(name))
    }

    /// Takes note of a file or link; a folder may be named more than once, since unpacking it twice changes nothing.
    pub(super) fn add(&mut self, name: &[u8], folder: bool, link: bool) -> Result<(), Refusal> {
        if !self.links.is_empty()
            && let Some(link) = prefixes(name).find(|prefix| self.links.contains(&self.key(prefix)))
        {
            return Err(Refusal::ThroughLink { member: shown(name), link: shown(link) });
        }
        let key = self.key(name);
        if link {
            self.links.insert(key);
        }
        if folder {
            return match self.links.contains(&key) {
                true => Err(Refusal::Duplicate { member: shown(name) }),
                false => Ok(()),
            };
        }
        match self.files.insert(key) {
            true => Ok(()),
            false => Err(Refusal::Duplicate { member: shown(name) }),
        }
    }
}

/// The folders that a name lies in.
fn prefixes(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    slashes.map(|(at, _)| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_out_is_refused_however_it_is_spelt() {
        for name in ["/etc/passwd", "../x", "a/../../x", "a\\..\\x", "\\x", "C:\\x", "c:x", "a/.."] {
            assert!(matches!(clean(name.as_bytes()), Err(Refusal::Traversal { .. })), "{name}");
        }
        assert_eq!(clean(b"./a//b/./c/").unwrap(), b"a/b/c");
        assert_eq!(clean(b"a..b/...").unwrap(), b"a..b/...");
    }

    #[test]
    fn a_link_may_climb_only_as_far_as_it_is_deep() {
        assert!(stays_inside(b"lib/a/x", b"../../ssl/cacert.pem"));
        assert!(stays_inside(b"x", b"y"));
        for (member, target) in
            [("lib/x", "../../y"), ("x", ".."), ("x", "/etc"), ("a/x", "b/../../.."), ("x", "")]
        {
            assert!(!stays_inside(member.as_bytes(), target.as_bytes()), "{member} -> {target}");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let mut seen = Seen::default();
        seen.add(b"a/link", false, true).unwrap();
        assert!(matches!(seen.add(b"a/link/x", false, false), Err(Refusal::ThroughLink { .. })));
        assert!(matches!(seen.add(b"a/link", true, false), Err(Refusal::Duplicate { .. })));
        seen.add(b"a/linked", false, false).unwrap();
    }
}
