//! The text fields of the Python upload form. Only these are read; any other is let pass, since clients keep adding some.

use super::digest::{self, Expected};
use crate::problem::Problem;

/// What the form says besides the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) action: Option<String>,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) expected: Expected,
    /// Anaconda Server's word for the kind, and how many bytes its clients have sent.
    pub(super) filetype: Option<String>,
    pub(super) size: Option<String>,
}

impl Fields {
    /// Whether a field of this name is read.
    pub(super) fn wants(name: &str) -> bool {
        matches!(
            name,
            ":action"
                | "name"
                | "version"
                | "sha256_digest"
                | "md5_digest"
                | "blake2_256_digest"
                | "filetype"
                | "size"
        )
    }

    /// Takes a field; the last of a name counts.
    pub(super) fn take(&mut self, name: &str, text: String) -> Result<(), Problem> {
        match name {
            ":action" => self.action = Some(text),
            "name" => self.name = text,
            "version" => self.version = text,
            "filetype" => self.filetype = Some(text),
            "size" => self.size = Some(text),
            // poetry sends an empty digest where it has none.
            "sha256_digest" | "md5_digest" | "blake2_256_digest" if text.trim().is_empty() => {}
            "sha256_digest" => self.expected.sha256 = Some(digest::sha256(&text)?),
            "md5_digest" => self.expected.md5 = Some(digest::md5(&text)?),
            "blake2_256_digest" => self.expected.blake2_256 = Some(digest::sha256(&text)?),
            _ => {}
        }
        Ok(())
    }

    /// A form for something else is not an upload.
    pub(super) fn check_action(&self) -> Result<(), Problem> {
        match self.action.as_deref() {
            Some("file_upload") => Ok(()),
            Some(_) => Err(Problem::invalid("this server knows one :action, file_upload")),
            None => Err(Problem::invalid("the form lacks the field :action, which should be file_upload")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_twine_is_understood() {
        let mut fields = Fields::default();
        for (name, text) in [
            (":action", "file_upload"),
            ("name", "Leaf-Pkg"),
            ("version", "1.0"),
            ("sha256_digest", &"ab".repeat(32)),
            ("md5_digest", ""),
        ] {
            assert!(Fields::wants(name));
            fields.take(name, text.to_owned()).unwrap();
        }
        assert!(fields.check_action().is_ok());
        assert_eq!((fields.name.as_str(), fields.version.as_str()), ("Leaf-Pkg", "1.0"));
        assert_eq!(fields.expected.sha256, Some([0xab; 32]));
        assert!(!Fields::wants("description") && !Fields::wants("content"));
    }

    #[test]
    fn another_action_is_refused() {
        let mut fields = Fields::default();
        assert!(fields.check_action().is_err());
        fields.take(":action", "submit".into()).unwrap();
        assert!(fields.check_action().is_err());
    }
}
