//! Packages made on the spot, as small as their formats allow and right in every detail that a server may check.

use std::io::{Cursor, Write as _};

use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A file as an uploader holds it.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name, without folders.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a conda package says of itself.
#[derive(Debug, Clone)]
pub struct Conda {
    /// Package name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Build string.
    pub build: String,
    /// `noarch` or a platform.
    pub subdir: String,
    /// What it needs.
    pub depends: Vec<String>,
}

impl Conda {
    /// Version and build `0` of a noarch package that needs nothing.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            build: "0".to_owned(),
            subdir: "noarch".to_owned(),
            depends: Vec::new(),
        }
    }

    /// The same for another subdir.
    #[must_use]
    pub fn subdir(mut self, subdir: &str) -> Self {
        subdir.clone_into(&mut self.subdir);
        self
    }

    /// The same with one more dependency.
    #[must_use]
    pub fn needs(mut self, matchspec: &str) -> Self {
        self.depends.push(matchspec.to_owned());
        self
    }

    /// Its name, version and build, as file names begin.
    pub fn stem(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.build)
    }

    /// As `.conda` (CEP 35): a zip of stored members, one archive of the description and one of the content.
    pub fn conda(&self) -> File {
        let stem = self.stem();
        let members = [
            ("metadata.json".to_owned(), br#"{"conda_pkg_format_version": 2}"#.to_vec()),
            (format!("pkg-{stem}.tar.zst"), zst(&tar(&self.content()))),
            (format!("info-{stem}.tar.zst"), zst(&tar(&self.info()))),
        ];
        File { name: format!("{stem}.conda"), bytes: zip(&members, CompressionMethod::Stored) }
    }

    /// As `.tar.bz2`.
    pub fn tar_bz2(&self) -> File {
        let mut bytes = Vec::new();
        let mut encoder = bzip2::write::BzEncoder::new(&mut bytes, bzip2::Compression::fast());
        encoder
            .write_all(&tar(&[self.info(), self.content()].concat()))
            .expect("memory takes what is written");
        encoder.finish().expect("memory takes what is written");
        File { name: format!("{}.tar.bz2", self.stem()), bytes }
    }

    fn info(&self) -> Vec<(String, Vec<u8>)> {
        let platform = self.subdir.split_once('-');
        let mut index = json!({
            "name": self.name, "version": self.version, "build": self.build, "build_number": 0,
            "depends": self.depends, "subdir": self.subdir, "license": "MIT", "timestamp": 1_700_000_000_000_u64,
        });
        match platform {
            None => index["noarch"] = json!("generic"),
            Some((platform, _)) => {
                index["platform"] = json!(platform);
                index["arch"] = json!("x86_64");
            }
        }
        let (path, content) = self.content().remove(0);
        let paths = json!({ "paths_version": 1, "paths": [
            { "_path": path, "path_type": "hardlink", "sha256": sha256(&content), "size_in_bytes": content.len() },
        ] });
        vec![
            ("info/index.json".to_owned(), index.to_string().into_bytes()),
            ("info/paths.json".to_owned(), paths.to_string().into_bytes()),
            ("info/files".to_owned(), format!("{path}\n").into_bytes()),
            ("info/about.json".to_owned(), json!({ "summary": "made by a test" }).to_string().into_bytes()),
        ]
    }

    fn content(&self) -> Vec<(String, Vec<u8>)> {
        vec![(format!("share/{}/version", self.name), self.version.clone().into_bytes())]
    }
}

/// A wheel of one module that needs nothing.
pub fn wheel(name: &str, version: &str) -> File {
    let module = name.replace(['-', '.'], "_").to_lowercase();
    let dist_info = format!("{module}-{version}.dist-info");
    let members = [
        (format!("{module}.py"), format!("VERSION = {version:?}\n").into_bytes()),
        (format!("{dist_info}/METADATA"), core_metadata(name, version).into_bytes()),
        (
            format!("{dist_info}/WHEEL"),
            b"Wheel-Version: 1.0\nGenerator: testkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_vec(),
        ),
    ];
    let record: String = members
        .iter()
        .map(|(path, content)| format!("{path},,{}\n", content.len()))
        .chain([format!("{dist_info}/RECORD,,\n")])
        .collect();
    let members = [&members[..], &[(format!("{dist_info}/RECORD"), record.into_bytes())]].concat();
    File {
        name: format!("{module}-{version}-py3-none-any.whl"),
        bytes: zip(&members, CompressionMethod::Deflated),
    }
}

/// Core metadata 2.1.
pub fn core_metadata(name: &str, version: &str) -> String {
    format!(
        "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: made by a test\nRequires-Python: >=3.8\n\n"
    )
}

fn zip(members: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (path, content) in members {
        writer.start_file(path.as_str(), options).expect("memory takes what is written");
        writer.write_all(content).expect("memory takes what is written");
    }
    writer.finish().expect("memory takes what is written").into_inner()
}

fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, path, content.as_slice()).expect("memory takes what is written");
    }
    builder.into_inner().expect("memory takes what is written")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).expect("memory takes what is written")
}

fn sha256(bytes: &[u8]) -> String {
    access::SecretHash::of(std::str::from_utf8(bytes).expect("contents are text"))
        .0
        .map(|b| format!("{b:02x}"))
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_package_is_the_same_bytes() {
        let package = Conda::new("tiny", "1.0").subdir("linux-64").needs("libc");
        assert_eq!(package.conda().bytes, package.conda().bytes);
        assert_eq!(package.conda().name, "tiny-1.0-0.conda");
        assert_eq!(package.tar_bz2().name, "tiny-1.0-0.tar.bz2");
        assert_eq!(wheel("Tiny-Pkg", "1.0").name, "tiny_pkg-1.0-py3-none-any.whl");
    }
}
