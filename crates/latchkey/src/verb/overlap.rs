//! How long two strings of one token work side by side, as people write it.

/// `90s`, `30m`, `1h`, `7d` or `2w`. How long is too long is the server's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    seconds: u64,
}

impl Overlap {
    /// Its length.
    pub fn seconds(self) -> u64 {
        self.seconds
    }
}

impl std::str::FromStr for Overlap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no_length = || format!("{text:?} is no length: write 30m, 1h, 7d or 2w");
        let unit = text.chars().last().ok_or_else(no_length)?;
        let unit_s = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            'w' => 7 * 24 * 3600,
            _ => return Err(no_length()),
        };
        let count: u32 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| no_length())?;
        Ok(Self { seconds: u64::from(count) * unit_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_count_and_a_unit() {
        for (text, seconds) in [("0h", 0), ("90s", 90), ("30m", 1800), ("1h", 3600), ("2w", 1_209_600)] {
            assert_eq!(text.parse(), Ok(Overlap { seconds }));
        }
        for wrong in ["", "h", "1", "-1h", "1y", "1.5h", "3é"] {
            assert!(wrong.parse::<Overlap>().is_err(), "{wrong}");
        }
    }
}
