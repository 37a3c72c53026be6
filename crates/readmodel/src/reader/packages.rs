//! Packages of channels, as listings and searches show them.

use names::{ChannelId, PackageKind};
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use uuid::Uuid;

use super::{PAGE_LIMIT, Reader, limited};
use crate::{ListedPackage, PackageKey, ReadError, Shelves, Tally};

/// One row for each package; the newest file speaks for it.
macro_rules! listed {
    () => {
        "SELECT (array_agg(package_id ORDER BY seq DESC))[1] AS package_id, channel_id, kind, name, \
         (array_agg(version ORDER BY seq DESC, filename))[1] AS latest_version, \
         array_agg(DISTINCT version COLLATE \"C\") AS versions, array_agg(DISTINCT subdir) AS subdirs, \
         count(*) AS files, min(uploaded_at) AS created_at, max(uploaded_at) AS updated_at, \
         (array_agg(summary ORDER BY seq DESC, filename))[1] AS summary, \
         (array_agg(channeldata_json ORDER BY seq DESC, filename))[1] AS channeldata_json FROM live.artifacts WHERE "
    };
}

/// The first four parameters: what is wanted.
macro_rules! wanted {
    () => {
        "(strpos(name, $1) > 0 OR strpos(name, $2) > 0) AND ($3 = '' OR kind = $3) AND ($4 = '' OR subdir = $4)"
    };
}

/// The next five: the rows of [`Shelves`].
macro_rules! shelved {
    () => {
        "(channel_id = ANY($5) AND package_id <> ALL($6) AND authz_seq <= $7 \
          OR channel_id = ANY($8) AND package_id = ANY($9))"
    };
}

const LISTED: &str = concat!(
    listed!(),
    wanted!(),
    " AND channel_id = ANY($5) AND (name, kind, channel_id) > ($6, $7, $8) \
     GROUP BY channel_id, kind, name ORDER BY name, kind, channel_id LIMIT $9"
);
const PAGE: &str = concat!(
    listed!(),
    wanted!(),
    " AND ",
    shelved!(),
    " GROUP BY channel_id, kind, name ORDER BY CASE WHEN $10 = 'newest' THEN max(uploaded_at) END DESC, \
     CASE WHEN $10 = 'oldest' THEN max(uploaded_at) END, CASE WHEN $10 = 'backwards' THEN name END DESC, \
     name, kind, channel_id OFFSET $11 LIMIT $12"
);
const COUNT: &str = concat!(
    "SELECT count(*) FROM (SELECT FROM live.artifacts WHERE ",
    wanted!(),
    " AND ",
    shelved!(),
    " GROUP BY channel_id, kind, name) AS packages"
);
const TALLY: &str = concat!(
    "SELECT channel_id, count(DISTINCT (kind, name)) AS packages, max(uploaded_at) AS updated_at \
     FROM live.artifacts WHERE ",
    wanted!(),
    " AND ",
    shelved!(),
    " GROUP BY channel_id"
);

/// In which order packages are listed. Those that are alike in it are by name, kind and channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// By name, the last first.
    Backwards,
    /// By their newest file, the newest first.
    Newest,
    /// The same, the newest last.
    Oldest,
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Backwards => "backwards",
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

/// Which packages are wanted; what is not said is any.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A part of the name, lowercase.
    pub text: String,
    /// Which kind.
    pub kind: Option<PackageKind>,
    /// With a file in this conda subdir.
    pub subdir: Option<String>,
}

impl Reader {
    /// The packages of these channels after a place in the list; at most [`PAGE_LIMIT`].
    pub async fn packages(
        &self,
        channels: &[ChannelId],
        wanted: &Wanted,
        after: Option<&PackageKey>,
        limit: u32,
    ) -> Result<Vec<ListedPackage>, ReadError> {
        let ids: Vec<Uuid> = channels.iter().map(|channel| channel.0).collect();
        let (name, kind, channel) = match after {
            Some(key) => (key.name.as_str(), key.kind.as_str(), key.channel_id.0),
            None => ("", "", Uuid::nil()),
        };
        let query = sqlx::query_as_with(LISTED, wanted.arguments()?);
        let query = query.bind(ids).bind(name).bind(kind).bind(channel);
        limited(query.bind(i64::from(limit.clamp(1, PAGE_LIMIT))).fetch_all(self.pool())).await
    }

    /// Some of the packages that are seen, from a number on; at most `limit`.
    pub async fn shelved(
        &self,
        shelves: &Shelves,
        wanted: &Wanted,
        order: Order,
        (offset, limit): (u64, u32),
    ) -> Result<Vec<ListedPackage>, ReadError> {
        let query = sqlx::query_as_with(PAGE, shelves.arguments(wanted)?).bind(order.word());
        let query = query.bind(i64::try_from(offset).unwrap_or(i64::MAX)).bind(i64::from(limit));
        limited(query.fetch_all(self.pool())).await
    }

    /// How many packages are seen.
    pub async fn count_shelved(&self, shelves: &Shelves, wanted: &Wanted) -> Result<u64, ReadError> {
        let query = sqlx::query_scalar_with::<_, i64, _>(COUNT, shelves.arguments(wanted)?);
        Ok(u64::try_from(limited(query.fetch_one(self.pool())).await?).unwrap_or_default())
    }

    /// What each channel holds of what is seen; nothing for one without a file.
    pub async fn tallies(&self, shelves: &Shelves) -> Result<Vec<Tally>, ReadError> {
        let query = sqlx::query_as_with(TALLY, shelves.arguments(&Wanted::default())?);
        limited(query.fetch_all(self.pool())).await
    }
}

impl Wanted {
    fn arguments(&self) -> Result<PgArguments, ReadError> {
        let mut arguments = PgArguments::default();
        let kind = self.kind.map_or("", PackageKind::as_str);
        // Python's names hold `-` where people type `_` or `.`.
        let python = self.text.replace(['_', '.'], "-");
        for text in [self.text.as_str(), &python, kind, self.subdir.as_deref().unwrap_or_default()] {
            arguments.add(text.to_owned()).map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
}

impl Shelves {
    fn arguments(&self, wanted: &Wanted) -> Result<PgArguments, ReadError> {
        let mut arguments = wanted.arguments()?;
        arguments.add(&self.open).map_err(sqlx::Error::Encode)?;
        arguments.add(&self.hidden).map_err(sqlx::Error::Encode)?;
        arguments.add(self.authz_seq).map_err(sqlx::Error::Encode)?;
        arguments.add(&self.closed).map_err(sqlx::Error::Encode)?;
        arguments.add(&self.shown).map_err(sqlx::Error::Encode)?;
        Ok(arguments)
    }
}
