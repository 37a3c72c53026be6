//! Kinds in these clients' words, and what they call a file by.

use names::PackageKind;
use readmodel::ArtifactRow;

use crate::problem::Problem;
use crate::routes::labelling::normal;

/// The kind of a family, or of the type of an upload; projects, R packages and bills of materials are plain files here.
pub(crate) fn kind_of(word: &str) -> Option<PackageKind> {
    match word {
        "conda" | "conda1" | "conda2" => Some(PackageKind::Conda),
        "python" | "pypi" | "bdist_wheel" | "sdist" => Some(PackageKind::Pypi),
        "notebook" | "jupyter_notebook" => Some(PackageKind::Notebook),
        "anaconda_env" => Some(PackageKind::Environment),
        "anaconda_project" | "cran" | "cran_source_package" | "sbom" | "file" => Some(PackageKind::File),
        _ => None,
    }
}

/// A kind's family. The clients know none for plain files, and stumble over words they do not know.
pub(super) fn word_of(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Conda => "conda",
        PackageKind::Pypi => "python",
        PackageKind::Notebook => "notebook",
        PackageKind::Environment => "anaconda_env",
        PackageKind::File => "anaconda_project",
    }
}

/// A package that an address or a body names: its kind, and its name by that kind's rules.
pub(super) fn package(family: &str, name: &str) -> Result<(PackageKind, String), Problem> {
    let named = kind_of(family).and_then(|kind| Some((kind, normal(kind, name)?)));
    named.ok_or_else(absent)
}

pub(super) fn absent() -> Problem {
    Problem::not_found("there is no such artifact in this channel")
}

/// Where a file stands below `/api/repo/<channel>`; its last part is the file's name.
pub(super) fn ckey(row: &ArtifactRow) -> String {
    match row.kind {
        PackageKind::Pypi => format!("simple/{}/{}", row.name, row.filename),
        PackageKind::Conda | PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            format!("{}/{}", row.subdir, row.filename)
        }
    }
}

/// The subdir and the file name that a ckey tells, if it is one of the package.
pub(super) fn place(kind: PackageKind, name: &str, ckey: &str) -> Option<(String, String)> {
    let (before, filename) = ckey.rsplit_once('/').unwrap_or(("", ckey));
    let subdir = if kind == PackageKind::Pypi { "" } else { before };
    let of = match kind {
        PackageKind::Conda => filename.rsplitn(3, '-').nth(2),
        PackageKind::Pypi if filename.ends_with(".whl") => filename.split('-').next(),
        PackageKind::Pypi => filename.rsplit_once('-').map(|(of, _)| of),
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            before.split_once('/').map(|(of, _)| of)
        }
    };
    let is_of = normal(kind, of?).is_some_and(|of| of == name);
    is_of.then(|| (subdir.to_owned(), filename.to_owned()))
}

/// The kind and the ckey of a file, where only its place is known. What its name ends in tells notebooks, environments and
/// plain files apart.
pub(super) fn place_of(subdir: &str, name: &str, filename: &str) -> (PackageKind, String) {
    match subdir {
        "" => (PackageKind::Pypi, format!("simple/{name}/{filename}")),
        conda if !conda.contains('/') => (PackageKind::Conda, format!("{conda}/{filename}")),
        plain => {
            let kind = match filename.rsplit_once('.').map(|(_, ending)| ending) {
                Some("ipynb") => PackageKind::Notebook,
                Some("yml" | "yaml") => PackageKind::Environment,
                Some(_) | None => PackageKind::File,
            };
            (kind, format!("{plain}/{filename}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_read_as_it_is_written() {
        for kind in PackageKind::ALL {
            assert_eq!(kind_of(word_of(kind)), Some(kind));
        }
        assert_eq!(kind_of("rpm"), None);
        assert!(package("conda", "a b").is_err() && package("rpm", "a").is_err());
        assert_eq!(package("python", "A_b").unwrap(), (PackageKind::Pypi, "a-b".to_owned()));
    }

    #[test]
    fn a_ckey_tells_a_place_of_its_own_package_only() {
        let is = |kind, name: &str, ckey: &str| {
            place(kind, name, ckey).map(|(subdir, filename)| format!("{subdir}|{filename}"))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(is(PackageKind::Conda, "a-b", "noarch/a-b-1-0.conda"), some("noarch|a-b-1-0.conda"));
        assert_eq!(is(PackageKind::Conda, "a", "noarch/a-b-1-0.conda"), None);
        assert_eq!(is(PackageKind::Conda, "a", "a-1-0.conda"), some("|a-1-0.conda"));
        for wheel in ["simple/a-b/A_b-1-py3-none-any.whl", "A_b-1-py3-none-any.whl"] {
            assert_eq!(is(PackageKind::Pypi, "a-b", wheel), some("|A_b-1-py3-none-any.whl"), "{wheel}");
        }
        assert_eq!(is(PackageKind::Pypi, "a-b", "a-b-1.0.tar.gz"), some("|a-b-1.0.tar.gz"));
        assert_eq!(is(PackageKind::Pypi, "a", "a-b-1.0.tar.gz"), None);
        assert_eq!(is(PackageKind::Notebook, "nb", "nb/1.0/x.ipynb"), some("nb/1.0|x.ipynb"));
        for odd in ["", "/", "x.ipynb", "nb", "\0"] {
            assert_eq!(is(PackageKind::Notebook, "nb", odd), None, "{odd:?}");
        }
    }
}
