//! Hosts `conda.`, `pypi.` and `api.`: the mount stands in the name instead of the path.

use super::path::decoded;

/// Hosts by their first label, and the mount that each stands for.
const HOSTS: [(&str, &str); 3] = [("conda.", "/conda"), ("pypi.", "/pypi"), ("api.", "/api")];

/// First segments that mean the same on every host: mounts themselves, what orchestrators ask, and signing in.
const ANYWHERE: [&str; 8] = ["conda", "pypi", "api", "healthz", "readyz", ".well-known", "-", "app"];

/// The path with the mount in front that the host stands for, if it stands for one that is not there; a token in front of
/// both must be out already.
pub(crate) fn mounted(host: &str, path: &str) -> Option<String> {
    let mount = HOSTS
        .iter()
        .find(|(label, _)| host.get(..label.len()).is_some_and(|head| head.eq_ignore_ascii_case(label)));
    let (_, mount) = mount?;
    let first = decoded(path.split('/').nth(1).unwrap_or_default());
    (!first.is_empty() && !ANYWHERE.contains(&&*first)).then(|| format!("{mount}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stands_for_its_mount() {
        let path = |host: &str, path: &str| mounted(host, path).unwrap_or_else(|| path.to_owned());
        assert_eq!(
            path("conda.latchkey.test:8080", "/acme/noarch/repodata.json"),
            "/conda/acme/noarch/repodata.json"
        );
        assert_eq!(path("PyPI.latchkey.test", "/acme/simple/"), "/pypi/acme/simple/");
        assert_eq!(path("api.latchkey.test", "/repo/acme/noarch/x"), "/api/repo/acme/noarch/x");
        assert_eq!(path("conda.latchkey.test", "/conda/acme/"), "/conda/acme/");
        assert_eq!(path("pypi.latchkey.test", "/readyz"), "/readyz");
        assert_eq!(path("api.latchkey.test", "/-/oauth/token"), "/-/oauth/token");
        assert_eq!(path("pypi.latchkey.test", "/"), "/");
        assert_eq!(path("condatest", "/acme"), "/acme");
        assert_eq!(path("", "/acme"), "/acme");
    }
}
