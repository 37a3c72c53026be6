//! `run_exports.json` (CEP 12): what build tools add to the requirements of whatever they build against a package.
//! Every file is in it, `{}` if it exports nothing; these are never patched.

use crate::render::record::{CondaFile, Section, newest, section};
use crate::render::{JSON, Rendered, json};

/// Renders the whole subdir.
pub fn run_exports<'a>(subdir: &str, files: impl Iterator<Item = &'a CondaFile> + Clone) -> Rendered {
    let mut out = Vec::new();
    out.extend_from_slice(br#"{"info":{"subdir":"#);
    json::string(&mut out, subdir);
    out.extend_from_slice(br#","version":1},"packages":"#);
    exports(&mut out, section(files.clone(), Section::Packages));
    out.extend_from_slice(br#","packages.conda":"#);
    exports(&mut out, section(files.clone(), Section::PackagesConda));
    out.push(b'}');
    Rendered::new(JSON, out, newest(files))
}

fn exports(out: &mut Vec<u8>, files: Vec<&CondaFile>) {
    let pairs = files.into_iter().map(|file| (&*file.filename, &*file.run_exports));
    json::object(out, pairs, |out, exports| {
        out.extend_from_slice(br#"{"run_exports":"#);
        out.extend_from_slice(exports.as_bytes());
        out.push(b'}');
    });
}
