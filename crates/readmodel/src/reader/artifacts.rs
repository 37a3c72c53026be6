//! Files as the indexes and listings need them.
//!
//! Every statement names `live.checkpoint` first and joins the rows to it: rows and sequence come from one
//! snapshot, and a swap of the views, which locks that view first, cannot get in between.

use names::{ChannelId, LabelName, PackageKind};
use sqlx::{
    FromRow, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{PAGE_LIMIT, Reader, limited};
use crate::{
    ArtifactRow, FileKey, HistoryFilter, HistoryRow, Packages, ReadError,
    artifact::{count, is_there},
};

/// Rows that are read at once of what may be large.
pub const PORTION: u32 = 10_000;
/// Every portion shows the same moment.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// The columns of an [`ArtifactRow`], after the CATALOG checkpoint of the same snapshot.
macro_rules! select {
    ($on:literal) => {
        select!($on, "a.subdir, a.name, a.filename")
    };
    ($on:literal, $order:literal) => {
        concat!(
            "SELECT c.seq AS checkpoint, a.artifact_id, a.package_id, a.channel_id, a.kind, a.name, a.subdir, ",
            "a.filename, a.version, a.build, a.build_number, a.sha256, a.md5, a.size_bytes, a.record_json, ",
            "a.run_exports_json, a.channeldata_json, a.indexed_timestamp_ms, a.filetype, a.project, ",
            "a.requires_python, a.metadata_sha256, a.metadata_size_bytes, a.summary, a.uploaded_at, a.seq, ",
            "a.authz_seq, a.labels FROM live.checkpoint c LEFT JOIN live.artifacts a ON ",
            $on,
            " WHERE c.stream = 'CATALOG' ORDER BY ",
            $order
        )
    };
}

/// In the order of the primary key, so that a portion is read and nothing is sorted.
const OF_KIND: &str = concat!(
    select!(
        "a.channel_id = $1 AND a.kind = $2 AND (a.subdir, a.filename) > ($3, $4)",
        "a.subdir, a.filename"
    ),
    " LIMIT $5"
);
const OF_SUBDIR: &str = concat!(
    select!("a.channel_id = $1 AND a.kind = $2 AND a.subdir = $3 AND a.filename > $4", "a.filename"),
    " LIMIT $5"
);
const OF_NAME: &str = select!("a.channel_id = $1 AND a.kind = $2 AND a.name = $3");
const OF_LABEL: &str = select!("a.channel_id = $1 AND a.labels @> ARRAY[$2]");
const OF_FILE: &str = select!("a.channel_id = $1 AND a.kind = $2 AND a.subdir = $3 AND a.filename = $4");
/// The limit is on the rows and not on the join, which is never empty.
const OF_PAGE: &str = concat!(
    select!(
        "a.channel_id = $1 AND (a.kind, a.subdir, a.filename) > ($2, $3, $4) \
         AND (a.package_id = ANY($6)) = $7 AND a.authz_seq <= $8",
        "a.kind, a.subdir, a.filename"
    ),
    " LIMIT $5"
);
const OF_SUBDIRS: &str = "SELECT c.seq AS checkpoint, array(SELECT DISTINCT a.subdir FROM live.artifacts a \
     WHERE a.channel_id = $1 AND a.kind = 'conda' ORDER BY 1) AS subdirs \
     FROM live.checkpoint c WHERE c.stream = 'CATALOG'";
const OF_LABELS: &str = "SELECT c.seq AS checkpoint, a.label, a.files FROM live.checkpoint c LEFT JOIN \
     (SELECT unnest(labels) AS label, count(*) AS files FROM live.artifacts WHERE channel_id = $1 \
     AND (package_id = ANY($2)) = $3 AND authz_seq <= $4 GROUP BY 1) a ON true \
     WHERE c.stream = 'CATALOG' ORDER BY a.label";
const OF_COUNT: &str = "SELECT c.seq AS checkpoint, (SELECT count(*) FROM live.artifacts a \
     WHERE a.channel_id = $1 AND (a.package_id = ANY($2)) = $3 AND a.authz_seq <= $4) AS rows FROM live.checkpoint c WHERE c.stream = 'CATALOG'";
const OF_HISTORY: &str = "SELECT h.channel_id, h.stream, h.seq, h.part, h.at, h.actor_account, h.actor_token, \
     h.actor_system, h.event, h.summary_json FROM live.history h \
     WHERE h.channel_id = $1 AND (h.at, h.stream, h.seq, h.part) < ($2, $3, $4, $5) \
     AND ($7::text IS NULL OR h.event = $7) AND ($8::uuid IS NULL OR h.actor_account = $8) \
     ORDER BY h.at DESC, h.stream DESC, h.seq DESC, h.part DESC LIMIT $6 OFFSET $9";
const OF_HISTORY_COUNT: &str = "SELECT count(*) FROM live.history h WHERE h.channel_id = $1 \
     AND ($2::text IS NULL OR h.event = $2) AND ($3::uuid IS NULL OR h.actor_account = $3)";

impl Reader {
    /// The files of one kind in a channel, or in one subdir of it, ordered by subdir and file name, with the CATALOG
    /// sequence they stand at.
    pub async fn artifacts(
        &self,
        channel_id: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> Result<(u64, Vec<ArtifactRow>), ReadError> {
        let first = self.rows(portion(channel_id, kind, subdir, None)).await?;
        // A transaction costs a connection three more turns, which is for those that need several portions.
        if first.1.len() < PORTION as usize {
            Ok(first)
        } else {
            self.portions(channel_id, kind, subdir).await
        }
    }

    /// All of it in portions of one snapshot: a channel may be as large as it likes, and a Postgres that stands still is
    /// noticed all the same.
    async fn portions(
        &self,
        channel_id: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> Result<(u64, Vec<ArtifactRow>), ReadError> {
        let mut snapshot = limited(self.pool().begin_with(SNAPSHOT)).await?;
        let mut artifacts: Vec<ArtifactRow> = Vec::new();
        loop {
            let query = portion(channel_id, kind, subdir, artifacts.last());
            let rows = limited(query.fetch_all(&mut *snapshot)).await?;
            let is_last = rows.len() < PORTION as usize;
            let (seq, read) = read(&rows)?;
            artifacts.extend(read);
            if is_last {
                limited(snapshot.commit()).await?;
                return Ok((seq, artifacts));
            }
        }
    }

    /// The files of one package, by its normalised name.
    pub async fn artifacts_named(
        &self,
        channel_id: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> Result<(u64, Vec<ArtifactRow>), ReadError> {
        let query = sqlx::query(OF_NAME).bind(channel_id.0).bind(kind.as_str()).bind(name);
        self.rows(query).await
    }

    /// The files that bear a label, of every kind.
    pub async fn artifacts_labelled(
        &self,
        channel_id: ChannelId,
        label: &LabelName,
    ) -> Result<(u64, Vec<ArtifactRow>), ReadError> {
        let query = sqlx::query(OF_LABEL).bind(channel_id.0).bind(label.as_str());
        self.rows(query).await
    }

    /// The labels that files of some packages of a channel bear, in order, with how many files bear each.
    pub async fn labels(
        &self,
        channel_id: ChannelId,
        packages: &Packages,
    ) -> Result<(u64, Vec<(String, u64)>), ReadError> {
        let query = sqlx::query(OF_LABELS).bind(channel_id.0);
        let query = query.bind(&packages.ids).bind(packages.wanted).bind(packages.authz_seq);
        let rows = limited(query.fetch_all(self.pool())).await?;
        let seq = rows.first().map(|row| count(row, "checkpoint")).transpose()?.unwrap_or_default();
        let mut labels = Vec::new();
        for row in &rows {
            if let Some(label) = row.try_get::<Option<String>, _>("label")? {
                labels.push((label, count(row, "files")?));
            }
        }
        Ok((seq, labels))
    }

    /// One file by its place; `None` for the subdir of a Python file.
    pub async fn artifact_file(
        &self,
        channel_id: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
        filename: &str,
    ) -> Result<(u64, Option<ArtifactRow>), ReadError> {
        let query = sqlx::query(OF_FILE).bind(channel_id.0).bind(kind.as_str());
        let query = query.bind(subdir.unwrap_or_default()).bind(filename);
        let (seq, rows) = self.rows(query).await?;
        Ok((seq, rows.into_iter().next()))
    }

    /// One page of the files of some packages of a channel, both kinds, after a place; at most [`PAGE_LIMIT`] rows.
    pub async fn list_artifacts(
        &self,
        channel_id: ChannelId,
        packages: &Packages,
        after: Option<&FileKey>,
        limit: u32,
    ) -> Result<(u64, Vec<ArtifactRow>), ReadError> {
        let (kind, subdir, filename) = match after {
            Some(key) => (key.kind.as_str(), key.subdir.as_str(), key.filename.as_str()),
            None => ("", "", ""),
        };
        let query = sqlx::query(OF_PAGE).bind(channel_id.0).bind(kind).bind(subdir).bind(filename);
        let query = query.bind(i64::from(limit.clamp(1, PAGE_LIMIT)));
        let query = query.bind(&packages.ids).bind(packages.wanted).bind(packages.authz_seq);
        self.rows(query).await
    }

    /// How many files some packages of a channel hold.
    pub async fn count_artifacts(
        &self,
        channel_id: ChannelId,
        packages: &Packages,
    ) -> Result<(u64, u64), ReadError> {
        let query = sqlx::query(OF_COUNT).bind(channel_id.0);
        let query = query.bind(&packages.ids).bind(packages.wanted).bind(packages.authz_seq);
        let row = limited(query.fetch_one(self.pool())).await?;
        Ok((count(&row, "checkpoint")?, count(&row, "rows")?))
    }

    /// The subdirs in which a channel has conda files, sorted.
    pub async fn subdirs(&self, channel_id: ChannelId) -> Result<(u64, Vec<String>), ReadError> {
        let row = limited(sqlx::query(OF_SUBDIRS).bind(channel_id.0).fetch_one(self.pool())).await?;
        Ok((count(&row, "checkpoint")?, row.try_get("subdirs")?))
    }

    /// What happened in a channel, newest first, before a row already seen; at most [`PAGE_LIMIT`] rows.
    pub async fn history(
        &self,
        channel_id: ChannelId,
        filter: &HistoryFilter,
        before: Option<&HistoryRow>,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, ReadError> {
        let query = sqlx::query_as(OF_HISTORY).bind(channel_id.0);
        let query = match before {
            Some(row) => {
                query.bind(row.at).bind(row.stream.clone()).bind(row.seq.cast_signed()).bind(row.part)
            }
            None => query.bind(END_OF_TIME).bind(String::new()).bind(0_i64).bind(0_i32),
        };
        let query = query.bind(i64::from(limit.clamp(1, PAGE_LIMIT)));
        let query = query.bind(filter.event.clone()).bind(filter.actor.map(|id| id.0)).bind(0_i64);
        limited(query.fetch_all(self.pool())).await
    }

    /// The same from a number on; at most `limit` rows.
    pub async fn history_window(
        &self,
        channel_id: ChannelId,
        filter: &HistoryFilter,
        (offset, limit): (u64, u32),
    ) -> Result<Vec<HistoryRow>, ReadError> {
        let query = sqlx::query_as(OF_HISTORY).bind(channel_id.0);
        let query = query.bind(END_OF_TIME).bind(String::new()).bind(0_i64).bind(0_i32);
        let query = query.bind(i64::from(limit));
        let query = query.bind(filter.event.clone()).bind(filter.actor.map(|id| id.0));
        let query = query.bind(i64::try_from(offset).unwrap_or(i64::MAX));
        limited(query.fetch_all(self.pool())).await
    }

    /// How many lines of a channel's history are wanted.
    pub async fn count_history(
        &self,
        channel_id: ChannelId,
        filter: &HistoryFilter,
    ) -> Result<u64, ReadError> {
        let query = sqlx::query_scalar::<_, i64>(OF_HISTORY_COUNT).bind(channel_id.0);
        let query = query.bind(filter.event.clone()).bind(filter.actor.map(|id| id.0));
        Ok(u64::try_from(limited(query.fetch_one(self.pool())).await?).unwrap_or_default())
    }

    async fn rows(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<(u64, Vec<ArtifactRow>), ReadError> {
        Ok(read(&limited(query.fetch_all(self.pool())).await?)?)
    }
}

/// What reads the files that follow the last one, or the first ones.
fn portion<'a>(
    channel_id: ChannelId,
    kind: PackageKind,
    subdir: Option<&'a str>,
    last: Option<&'a ArtifactRow>,
) -> Query<'a, Postgres, PgArguments> {
    let (after, filename) = last.map_or(("", ""), |last| (last.subdir.as_str(), last.filename.as_str()));
    let query = sqlx::query(if subdir.is_some() { OF_SUBDIR } else { OF_KIND });
    let query = query.bind(channel_id.0).bind(kind.as_str()).bind(subdir.unwrap_or(after));
    query.bind(filename).bind(i64::from(PORTION))
}

/// The sequence that rows stand at, and the files among them: without any there is a row all the same.
fn read(rows: &[PgRow]) -> Result<(u64, Vec<ArtifactRow>), sqlx::Error> {
    let seq = rows.first().map(|row| count(row, "checkpoint")).transpose()?.unwrap_or_default();
    let mut artifacts = Vec::with_capacity(rows.len());
    for row in rows {
        if is_there(row)? {
            artifacts.push(ArtifactRow::from_row(row)?);
        }
    }
    Ok((seq, artifacts))
}

/// Later than any event: the first page starts before it.
const END_OF_TIME: time::OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59.999999 UTC);
