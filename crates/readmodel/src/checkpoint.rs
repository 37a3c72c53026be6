//! How far the read models are: the log's epoch and the last sequence applied, one per stream.

use std::{fmt, str::FromStr};

use sqlx::{Row, postgres::PgRow};

use crate::artifact::count;

/// A stream of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// What decides access.
    Authz,
    /// What the channels hold.
    Catalog,
}

impl Stream {
    /// Both, in the order in which the projector applies them.
    pub const ALL: [Self; 2] = [Self::Authz, Self::Catalog];

    /// As it stands in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authz => "AUTHZ",
            Self::Catalog => "CATALOG",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything up to `seq` of the log `epoch` has been applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity; empty before the projector's first start.
    pub epoch: String,
    /// The last sequence applied; 0 before the first.
    pub seq: u64,
}

/// Both streams' checkpoints, as they stood at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Of AUTHZ.
    pub authz: Checkpoint,
    /// Of CATALOG.
    pub catalog: Checkpoint,
}

impl Checkpoints {
    /// Of one stream.
    pub fn of(&self, stream: Stream) -> &Checkpoint {
        match stream {
            Stream::Authz => &self.authz,
            Stream::Catalog => &self.catalog,
        }
    }

    pub(crate) fn of_mut(&mut self, stream: Stream) -> &mut Checkpoint {
        match stream {
            Stream::Authz => &mut self.authz,
            Stream::Catalog => &mut self.catalog,
        }
    }

    /// From the rows of a checkpoint table.
    pub(crate) fn from_rows(rows: &[PgRow]) -> Result<Self, sqlx::Error> {
        let mut checkpoints = Self::default();
        for row in rows {
            let name: &str = row.try_get("stream")?;
            if let Some(stream) = Stream::ALL.into_iter().find(|stream| stream.as_str() == name) {
                *checkpoints.of_mut(stream) =
                    Checkpoint { epoch: row.try_get("epoch")?, seq: count(row, "seq")? };
            }
        }
        Ok(checkpoints)
    }
}

/// A checkpoint as a notification carries it: `STREAM seq epoch`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) stream: Stream,
    pub(crate) checkpoint: Checkpoint,
}

impl FromStr for Notice {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.splitn(3, ' ');
        let name = words.next().ok_or(())?;
        let stream = Stream::ALL.into_iter().find(|stream| stream.as_str() == name).ok_or(())?;
        let seq = words.next().and_then(|word| word.parse().ok()).ok_or(())?;
        Ok(Self { stream, checkpoint: Checkpoint { epoch: words.next().ok_or(())?.to_owned(), seq } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_stream_sequence_and_epoch() {
        let notice: Notice = "CATALOG 17 e-1".parse().unwrap();
        assert_eq!(notice.stream, Stream::Catalog);
        assert_eq!(notice.checkpoint, Checkpoint { epoch: "e-1".into(), seq: 17 });
        assert_eq!("CATALOG x e".parse::<Notice>(), Err(()));
        assert_eq!("USAGE 1 e".parse::<Notice>(), Err(()));
    }
}
