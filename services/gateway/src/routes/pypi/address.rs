//! Addresses below a channel: perhaps `label/<l>`, perhaps `simple` or `+simple`, then what is meant.
//!
//! Files keep the prefix of the page that named them, so a file may stand behind one or two names.

/// Endings by which a file is told from a project.
const FILE_ENDINGS: [&str; 5] = [".whl", ".tar.gz", ".zip", ".metadata", ".egg"];

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) label: Option<&'a str>,
    pub(super) target: Target<'a>,
    /// Pages end in a slash.
    pub(super) slash: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// The list of projects, at the channel's own address.
    Channel,
    /// The list of projects further down, where the address ends in `last`.
    List { last: &'a str },
    /// A project's page, perhaps below an index that is narrowed to `scope`.
    Project { wanted: &'a str, scope: Option<&'a str> },
    /// A file or its metadata.
    File { name: &'a str },
}

/// Reads what follows the channel; `None` if there is not even a slash.
pub(super) fn read(rest: Option<&str>) -> Option<Address<'_>> {
    let Some(rest) = rest else {
        return Some(Address { label: None, target: Target::Channel, slash: false });
    };
    let (path, slash) = match rest.strip_suffix('/') {
        Some(path) => (path, true),
        None => (rest, rest.is_empty()),
    };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let (label, after_label) = match segments.as_slice() {
        ["label", label, after @ ..] => (Some(*label), after),
        all => (None, all),
    };
    let after = match after_label {
        ["simple" | "+simple", after @ ..] => after,
        all => all,
    };
    let target = match after {
        [] => segments.last().map_or(Target::Channel, |last| Target::List { last }),
        [.., name] if !slash && after.len() > 1 && after.len() <= 4 && is_file(name) => Target::File { name },
        [wanted] => Target::Project { wanted, scope: None },
        [scope, wanted] => Target::Project { wanted, scope: Some(scope) },
        [..] => return None,
    };
    Some(Address { label, target, slash })
}

/// Whether files are uploaded to this address: a channel's root, in every spelling that people paste.
pub(crate) fn takes_uploads(rest: Option<&str>) -> bool {
    let segments: Vec<&str> =
        rest.unwrap_or_default().split('/').filter(|segment| !segment.is_empty()).collect();
    let after_label = match segments.as_slice() {
        ["label", "main", after @ ..] => after,
        all => all,
    };
    matches!(after_label, [] | ["simple" | "+simple" | "legacy"])
}

fn is_file(name: &str) -> bool {
    FILE_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(rest: &str) -> Option<(Target<'_>, bool)> {
        read(Some(rest)).map(|address| (address.target, address.slash))
    }

    fn project<'a>(wanted: &'a str, scope: Option<&'a str>) -> Option<(Target<'a>, bool)> {
        Some((Target::Project { wanted, scope }, true))
    }

    #[test]
    fn every_shape_of_index_gives_the_project_page() {
        for before in ["", "simple/", "+simple/", "label/main/", "label/main/simple/"] {
            assert_eq!(target(&format!("{before}leaf-pkg/")), project("leaf-pkg", None), "{before}");
            assert_eq!(
                target(&format!("{before}root/leaf-pkg/")),
                project("leaf-pkg", Some("root")),
                "{before}"
            );
        }
        assert_eq!(target("simple/simple/"), project("simple", None));
        assert_eq!(target("leaf-pkg"), Some((Target::Project { wanted: "leaf-pkg", scope: None }, false)));
    }

    #[test]
    fn the_list_stands_at_the_root_and_below_simple() {
        assert_eq!(read(None).unwrap().target, Target::Channel);
        assert!(!read(None).unwrap().slash);
        assert_eq!(target(""), Some((Target::Channel, true)));
        assert_eq!(target("simple/"), Some((Target::List { last: "simple" }, true)));
        assert_eq!(target("simple"), Some((Target::List { last: "simple" }, false)));
        assert_eq!(target("label/main/"), Some((Target::List { last: "main" }, true)));
        assert_eq!(read(Some("label/beta/")).unwrap().label, Some("beta"));
    }

    #[test]
    fn files_keep_the_prefix_of_their_page() {
        for before in [
            "leaf",
            "simple/leaf",
            "simple/root/leaf",
            "leaf/leaf",
            "simple/leaf/1.0",
            "label/main/simple/leaf",
        ] {
            for name in ["leaf-1.0-py3-none-any.whl", "leaf-1.0-py3-none-any.whl.metadata", "leaf-1.0.tar.gz"]
            {
                let path = format!("{before}/{name}");
                assert_eq!(target(&path), Some((Target::File { name }, false)), "{path}");
            }
        }
    }

    #[test]
    fn deeper_addresses_are_none() {
        assert_eq!(target("a/b/c/"), None);
        assert_eq!(target("a/b/c/d/e/f.whl"), None);
    }

    #[test]
    fn uploads_go_to_the_root_in_every_spelling() {
        for rest in
            [None, Some(""), Some("/"), Some("legacy"), Some("legacy/"), Some("simple/"), Some("label/main/")]
        {
            assert!(takes_uploads(rest), "{rest:?}");
        }
        for rest in [Some("leaf/"), Some("simple/leaf/"), Some("label/beta/")] {
            assert!(!takes_uploads(rest), "{rest:?}");
        }
    }
}
