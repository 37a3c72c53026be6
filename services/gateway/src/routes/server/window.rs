//! Pages by number, as these clients ask for them.

use serde::Deserialize;

/// Entries of one answer, at most. Clients that name no limit expect all there is.
pub(super) const MOST: u32 = 10_000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Window {
    #[serde(default)]
    pub(super) offset: u64,
    #[serde(default)]
    pub(super) limit: Option<u64>,
}

impl Window {
    /// How many entries, within [`MOST`].
    pub(super) fn limit(self) -> u32 {
        let limit = self.limit.unwrap_or(u64::from(MOST)).min(u64::from(MOST));
        u32::try_from(limit).unwrap_or(MOST)
    }

    /// The entries of a whole list that it shows.
    pub(super) fn of<T>(self, entries: Vec<T>) -> Vec<T> {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        entries.into_iter().skip(offset).take(self.limit() as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_its_part_and_never_more_than_the_most() {
        let window = |offset, limit| Window { offset, limit };
        assert_eq!(window(1, Some(2)).of(vec![1, 2, 3, 4]), [2, 3]);
        assert_eq!(window(4, None).of(vec![1, 2, 3, 4]), [0; 0]);
        assert_eq!(window(u64::MAX, Some(u64::MAX)).of(vec![1]), [0; 0]);
        assert_eq!(window(0, Some(0)).of(vec![1]), [0; 0]);
        assert_eq!(window(0, Some(u64::from(MOST))).limit(), MOST);
        assert_eq!(window(0, Some(u64::from(MOST) + 1)).limit(), MOST);
        assert_eq!(window(0, None).of(vec![0; MOST as usize + 1]).len(), MOST as usize);
    }
}
