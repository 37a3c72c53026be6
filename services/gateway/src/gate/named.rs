//! The channel that an address names, or the subchannel below it.

use std::borrow::Cow;

use names::{ChannelName, is_reserved};

use crate::refuse::Family;

/// What follows a Python subchannel's name where there can be no doubt that it is one.
const PYTHON_ROOTS: [&str; 4] = ["simple", "+simple", "label", "legacy"];

/// The names in an address, as they are written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named<'a> {
    channel: &'a str,
    below: Below<'a>,
}

/// Whether a subchannel is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below<'a> {
    No,
    /// By the shape of the address: whoever may not read it is told no more than of a closed channel.
    Surely(&'a str),
    /// It could be a project as well: a subchannel is meant by those who may read one of that name.
    Perhaps(&'a str),
}

impl<'a> Named<'a> {
    /// Reads what stands in the address by these names.
    pub(super) fn of(find: impl Fn(&str) -> Option<&'a str>, family: Family) -> Option<Self> {
        let channel = find("channel")?;
        let below = match (find("subchannel"), family) {
            (Some(below), _) => Below::Surely(below),
            (None, Family::Python) => python(find("rest").unwrap_or_default()),
            (None, Family::Conda | Family::Api | Family::Page) => Below::No,
        };
        Some(Self { channel, below })
    }

    /// No channel and no subchannel is called like a mount or a subdir: it is an address that does not exist.
    pub(super) fn is_reserved(&self) -> bool {
        let below = matches!(self.below, Below::Surely(below) if is_reserved(below));
        is_reserved(self.channel) || below
    }

    /// The name under which it is looked up.
    pub(super) fn whole(&self) -> Cow<'a, str> {
        match self.below {
            Below::No | Below::Perhaps(_) => Cow::Borrowed(self.channel),
            Below::Surely(below) => Cow::Owned(format!("{}/{below}", self.channel)),
        }
    }

    /// The same as it can be repeated in an answer where nothing is called so: what is no name is not echoed.
    pub(super) fn spoken(&self) -> Cow<'a, str> {
        let below = matches!(self.below, Below::Surely(below) if ChannelName::parse(below).is_err());
        if below || !is_name(self.channel) { Cow::Borrowed(UNSPEAKABLE) } else { self.whole() }
    }

    /// The subchannel that could be meant.
    pub(super) fn perhaps(&self) -> Option<String> {
        match self.below {
            Below::Perhaps(below) => Some(format!("{}/{below}", self.channel)),
            Below::No | Below::Surely(_) => None,
        }
    }
}

/// Whether it is a channel's name, or a subchannel's whole one, which the API takes as one percent-encoded segment.
fn is_name(text: &str) -> bool {
    let (channel, below) =
        text.split_once('/').map_or((text, None), |(channel, below)| (channel, Some(below)));
    [Some(channel), below].into_iter().flatten().all(|part| ChannelName::parse(part).is_ok())
}

/// Stands for what nothing is called.
pub(super) const UNSPEAKABLE: &str = "of that name";

/// Reads what follows a Python channel.
fn python(rest: &str) -> Below<'_> {
    let mut segments = rest.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next()) {
        (None, _) => Below::No,
        (Some(first), _) if ChannelName::parse(first).is_err() => Below::No,
        (Some(first), Some(second)) if PYTHON_ROOTS.contains(&second) => Below::Surely(first),
        (Some(first), _) => Below::Perhaps(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_not_repeated() {
        let spoken = |channel| Named { channel, below: Below::No }.spoken().into_owned();
        assert_eq!((spoken("acme"), spoken("acme/below")), ("acme".to_owned(), "acme/below".to_owned()));
        for wrong in ["<script>", "acme/", "a/b/c", "acme/noarch", ""] {
            assert_eq!(spoken(wrong), UNSPEAKABLE, "{wrong}");
        }
        let below = Named { channel: "acme", below: Below::Surely("x<y") };
        assert_eq!(below.spoken(), UNSPEAKABLE);
    }

    #[test]
    fn only_the_shape_of_an_address_says_that_a_subchannel_is_meant() {
        for rest in ["below/simple/", "below/+simple/a/", "below/label/dev/simple/", "/below/legacy"] {
            assert_eq!(python(rest), Below::Surely("below"), "{rest}");
        }
        for rest in ["below", "below/", "below/project/", "below/project/file.whl"] {
            assert_eq!(python(rest), Below::Perhaps("below"), "{rest}");
        }
        for rest in
            ["", "/", "simple/", "simple/simple/", "label/dev/simple/", "+simple/a/", "Not.A.Name/simple/"]
        {
            assert_eq!(python(rest), Below::No, "{rest}");
        }
    }
}
