//! Names that can be found in any bytes: `zq`, a letter for what is named, four digits. Those that begin with a nine are
//! nobody's: they stand in for a hidden name when the answer about a name that never was is asked for.

use std::collections::BTreeSet;

const START: &[u8] = b"zq";
const DIGITS: usize = 4;

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    Package,
    Channel,
    Group,
    Label,
}

impl Named {
    fn letter(self) -> char {
        match self {
            Self::Package => 'p',
            Self::Channel => 'c',
            Self::Group => 'g',
            Self::Label => 'l',
        }
    }
}

/// The name with this number, which is below 9000.
pub(crate) fn mark(of: Named, number: usize) -> String {
    assert!(number < 9000, "the rest was never made");
    format!("zq{}{number:04}", of.letter())
}

/// A name as long that was never given.
pub(crate) fn never(name: &str) -> String {
    format!("{}9000", &name[..name.len() - DIGITS])
}

/// All such names in some bytes, in whatever case they stand there.
pub(crate) fn found(bytes: &[u8]) -> BTreeSet<String> {
    let length = START.len() + 1 + DIGITS;
    let named = |window: &&[u8]| {
        window[..2].eq_ignore_ascii_case(START)
            && b"pcgl".contains(&window[2].to_ascii_lowercase())
            && window[3..].iter().all(u8::is_ascii_digit)
    };
    let names = bytes.windows(length).filter(named);
    names.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect()
}

#[test]
fn names_are_found_wherever_they_stand() {
    let one = mark(Named::Package, 7);
    assert_eq!((one.as_str(), never(&one).as_str()), ("zqp0007", "zqp9000"));
    let text = format!("\u{fc}/{}-1.0.whl ZQC0012 zqx0001 zqp001", one);
    assert_eq!(found(text.as_bytes()), [one, "zqc0012".into()].into());
}
