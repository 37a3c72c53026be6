//! Right archives with bytes changed at random: whatever they have become, looking into them ends with an answer.

use catalog::inspect::Limits;
use proptest::prelude::*;

use crate::archive::{conda, look, python};

fn limits() -> Limits {
    Limits { unpacked_bytes: 10_000_000, ..Limits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_change_of_bytes_makes_it_panic(
        which in 0_usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (name, mut bytes) = match which {
            0 => (conda::conda_name(), conda::conda(&conda::info(), &conda::payload())),
            1 => (conda::tar_bz2_name(), conda::tar_bz2(&conda::info())),
            2 => (python::WHEEL.to_owned(), python::wheel(python::METADATA)),
            _ => (python::SDIST.to_owned(), python::sdist(&python::sdist_entries(python::METADATA))),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = look(&name, &bytes, &limits());
    }

    /// Changed below the compression, so that the tar itself is what is wrong.
    #[test]
    fn no_change_of_a_tar_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        resummed: bool,
    ) {
        let mut bytes = crate::archive::tar::archive(&python::sdist_entries(python::METADATA));
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if resummed {
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(&bytes[..512]);
            header.set_cksum();
            bytes[..512].copy_from_slice(header.as_bytes());
        }
        let _ = look(python::SDIST, &crate::archive::tar::gz(&bytes), &limits());
    }
}
