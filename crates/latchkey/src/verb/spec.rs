//! Which files a verb is about, written in one way for all of them: `CHANNEL/PACKAGE[/VERSION[/FILE]]`, and below a
//! subchannel `CHANNEL/SUBCHANNEL::PACKAGE[/VERSION[/FILE]]`.

pub(crate) mod found;

use std::fmt;
use std::str::FromStr;

use clap::Args;
use names::{ChannelPath, LabelName, PackageKind};

use crate::failed::Failed;

/// Files of one package: all, or those of a version, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub(crate) package: String,
    pub(crate) version: Option<String>,
    /// As `artifact list` shows it, or its name alone.
    pub(crate) file: Option<String>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, '/');
        if text.split('/').any(str::is_empty) {
            return Err(format!("{text:?} has an empty part: write PACKAGE[/VERSION[/FILE]]"));
        }
        let package = parts.next().unwrap_or_default().to_owned();
        let [version, file] = [parts.next(), parts.next()].map(|part| part.map(ToOwned::to_owned));
        Ok(Self { package, version, file })
    }
}

impl Wanted {
    /// The same of a version that was said apart.
    pub(crate) fn of_version(self, said: Option<&str>) -> Result<Self, Failed> {
        match (&self.version, said) {
            (Some(one), Some(other)) if one != other => Err(Failed::usage(format_args!(
                "two versions of {} are named: {one} and {other}",
                self.package
            ))),
            (version, said) => {
                let version = version.clone().or(said.map(ToOwned::to_owned));
                Ok(Self { version, ..self })
            }
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.package)?;
        let parts = [&self.version, &self.file];
        parts.into_iter().flatten().try_for_each(|part| write!(f, "/{part}"))
    }
}

/// Files of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub(crate) channel: ChannelPath,
    /// None is meant with a label alone: all that bear it.
    pub(crate) wanted: Option<Wanted>,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A file's own name may hold two colons; a channel has no more than two parts.
        let below = text.split_once("::").filter(|(channel, _)| channel.matches('/').count() <= 1);
        let (channel, rest) = below.or_else(|| text.split_once('/')).unwrap_or((text, ""));
        let channel = ChannelPath::parse(channel).map_err(|error| error.to_string())?;
        let wanted = if rest.is_empty() { None } else { Some(rest.parse()?) };
        Ok(Self { channel, wanted })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if self.channel.parent().is_some() { "::" } else { "/" };
        match &self.wanted {
            Some(wanted) => write!(f, "{}{between}{wanted}", self.channel),
            None if self.channel.parent().is_some() => write!(f, "{}::", self.channel),
            None => write!(f, "{}", self.channel),
        }
    }
}

/// Which of these files are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct Narrow {
    /// Only this kind: conda, pypi, notebook, environment or file [default: every kind that has the name]
    #[arg(long)]
    pub(crate) kind: Option<PackageKind>,
    /// Only files that bear this label; with a channel alone, all of them
    #[arg(long, visible_alias = "from-label")]
    pub(crate) label: Option<LabelName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Vec<String>) {
        let spec = text.parse::<Spec>().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.to_string().parse::<Spec>().as_ref(), Ok(&spec), "{text}");
        let wanted = spec.wanted.into_iter();
        let parts = wanted.flat_map(|wanted| [Some(wanted.package), wanted.version, wanted.file]);
        (spec.channel.to_string(), parts.flatten().collect())
    }

    #[test]
    fn a_spec_names_a_channel_and_then_as_much_as_is_known() {
        for (text, channel, rest) in [
            ("acme", "acme", ""),
            ("acme/demo", "acme", "demo"),
            ("acme::demo", "acme", "demo"),
            ("acme/demo/1.0", "acme", "demo 1.0"),
            ("acme/demo/1!2.0+a", "acme", "demo 1!2.0+a"),
            ("acme/demo/1.0/noarch/demo-1.0-0.conda", "acme", "demo 1.0 noarch/demo-1.0-0.conda"),
            ("acme/dev::demo/1.0", "acme/dev", "demo 1.0"),
            ("acme/dev::", "acme/dev", ""),
            ("acme/dev/demo", "acme", "dev demo"),
            ("acme/data/1.0/a::b.bin", "acme", "data 1.0 a::b.bin"),
        ] {
            assert_eq!(parts(text), (channel.to_owned(), rest.split_whitespace().map(Into::into).collect()));
        }
    }

    #[test]
    fn a_spec_with_an_empty_part_or_no_channel_is_refused_with_the_form() {
        for wrong in ["", "/demo", "acme//1.0", "acme/demo/", "acme/demo//x", "Acme/demo", "t/x"] {
            assert!(wrong.parse::<Spec>().is_err(), "{wrong}");
        }
        assert!("acme/demo/".parse::<Spec>().unwrap_err().contains("PACKAGE[/VERSION[/FILE]]"));
    }
}
