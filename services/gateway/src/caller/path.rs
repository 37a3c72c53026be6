//! Takes `/t/<token>` out of a path. What comes out never holds the token; empty segments are dropped only after that,
//! since `/t//channel` carries an empty token and not a channel called `t`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The one list of mounts after which `/t/<token>` may stand, besides the front of the path. Longer ones first.
pub(crate) const MOUNTS: [&[&str]; 5] = [&["api", "repo"], &["api"], &["conda"], &["pypi"], &["repo"]];

/// The segment that says that a token follows.
const MARK: &str = "t";

/// A path without its token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stripped<'a> {
    /// Begins with `/`, has no empty segment but perhaps the last.
    pub(crate) path: Cow<'a, str>,
    /// The token as sent; the first one if there are several.
    pub(crate) token: Option<Cow<'a, str>>,
}

/// Splits a path, still percent-encoded, into what is routed and the token.
pub(crate) fn strip(path: &str) -> Stripped<'_> {
    plainly(path).unwrap_or_else(|| thoroughly(path))
}

/// The same of a path in which nothing is escaped or empty and a token stands in front or nowhere, as in nearly all.
fn plainly(path: &str) -> Option<Stripped<'_>> {
    if !path.starts_with('/') || path.contains('%') || path.contains("//") {
        return None;
    }
    let (token, path) = match path.strip_prefix("/t/") {
        Some(behind) => {
            let (token, path) = behind.split_at(behind.find('/')?);
            (Some(token), path)
        }
        None => (None, path),
    };
    let stripped = || Stripped { path: Cow::Borrowed(path), token: token.map(Cow::Borrowed) };
    mark(path.split('/').skip(1)).is_none().then(stripped)
}

fn thoroughly(path: &str) -> Stripped<'_> {
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut token = None;
    while let Some(at) = mark(segments.iter().copied()) {
        let found = segments.get(at + 1).map_or(Cow::Borrowed(""), |segment| decoded(segment));
        segments.drain(at..(at + 2).min(segments.len()));
        token.get_or_insert(found);
    }
    let slash = segments.last().is_some_and(|last| last.is_empty());
    segments.retain(|segment| !segment.is_empty());
    let mut path = String::with_capacity(path.len());
    for segment in &segments {
        path.push('/');
        path.push_str(segment);
    }
    if slash || path.is_empty() {
        path.push('/');
    }
    Stripped { path: Cow::Owned(path), token }
}

/// Segments that are looked at: the longest mount, and the mark behind it.
const SEEN: usize = 3;
const _: () = {
    let mut mount = 0;
    while mount < MOUNTS.len() {
        assert!(MOUNTS[mount].len() < SEEN, "a mark may stand behind any mount");
        mount += 1;
    }
};

/// Where the mark stands: first, or right after a mount.
fn mark<'a>(segments: impl Iterator<Item = &'a str>) -> Option<usize> {
    let mut full = segments.enumerate().filter(|(_, segment)| !segment.is_empty());
    let full: [_; SEEN] = std::array::from_fn(|_| full.next().map(|(at, segment)| (at, decoded(segment))));
    let at = |place: usize, want: &str| full[place].as_ref().filter(|(_, have)| have == want).map(|it| it.0);
    let after = |mount: &&[&str]| {
        let here = mount.iter().enumerate().all(|(place, want)| at(place, want).is_some());
        here.then(|| at(mount.len(), MARK)).flatten()
    };
    at(0, MARK).or_else(|| MOUNTS.iter().find_map(after))
}

/// A segment as the client meant it. `%74` is a `t` too, and must not be a way past the strip.
pub(crate) fn decoded(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    percent_decode_str(segment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(path: &str, routed: &str, token: Option<&str>) {
        assert_eq!(strip(path), Stripped { path: routed.into(), token: token.map(Into::into) }, "{path}");
    }

    #[test]
    fn a_token_stands_first_or_after_a_mount() {
        check("/t/T/acme/noarch/repodata.json", "/acme/noarch/repodata.json", Some("T"));
        check("/t/T/conda/acme/", "/conda/acme/", Some("T"));
        check("/conda/t/T/acme/label/x", "/conda/acme/label/x", Some("T"));
        check("/pypi/t/T/acme/simple/", "/pypi/acme/simple/", Some("T"));
        check("/api/t/T/v1/whoami", "/api/v1/whoami", Some("T"));
        check("/api/repo/t/T/acme", "/api/repo/acme", Some("T"));
        check("/acme/t/noarch", "/acme/t/noarch", None);
    }

    #[test]
    fn empty_segments_are_dropped_after_the_token_is_out() {
        check("/t//acme/x", "/acme/x", Some(""));
        check("//t/T//acme//pkg/", "/acme/pkg/", Some("T"));
        check("/pypi//t/T/acme", "/pypi/acme", Some("T"));
        check("//", "/", None);
        check("/t", "/", Some(""));
        check("/t/T", "/", Some("T"));
    }

    #[test]
    fn percent_signs_do_not_hide_a_token() {
        check("/%74/T/acme", "/acme", Some("T"));
        check("/%63onda/%74/T%2D1/acme", "/%63onda/acme", Some("T-1"));
    }

    #[test]
    fn a_second_token_does_not_stay_behind() {
        check("/t/A/conda/t/B/acme", "/conda/acme", Some("A"));
        check("/t/A/t/B/acme", "/acme", Some("A"));
    }

    proptest! {
        #[test]
        fn a_plain_path_is_read_like_any(path in "(/(t|conda|api|repo|a|T|)){0,6}/?") {
            prop_assert_eq!(strip(&path), thoroughly(&path));
        }

        #[test]
        fn a_token_never_remains_in_the_path(
            mount in prop::sample::select(vec!["", "/conda", "/pypi", "/api", "/api/repo", "/repo", "//", "/conda//"]),
            token in "lkr-[A-Za-z0-9]{36}",
            rest in "(/[a-z0-9._%-]{0,6}){0,4}/?",
        ) {
            let path = format!("{mount}/t/{token}{rest}");
            let stripped = strip(&path);
            prop_assert!(!stripped.path.contains(&token));
            prop_assert_eq!(stripped.token.as_deref(), Some(&*token));
            prop_assert!(stripped.path.starts_with('/') && !stripped.path.contains("//"));
        }

        #[test]
        fn stripping_twice_changes_nothing(path in "(/(t|conda|api|repo|a|%74|)){0,8}/?") {
            let once = strip(&path);
            prop_assert_eq!(strip(&once.path), Stripped { path: once.path.clone(), token: None });
        }
    }
}
