//! Packages of channels, as listings and searches show them.

use names::{ChannelId, PackageKind};
use uuid::Uuid;

use super::{PAGE_LIMIT, Reader, limited};
use crate::{ListedPackage, PackageKey, ReadError};

/// One row for each package; the newest file speaks for it.
const LISTED: &str = "SELECT (array_agg(package_id ORDER BY seq DESC))[1] AS package_id, channel_id, kind, name, \
     (array_agg(version ORDER BY seq DESC, filename))[1] AS latest_version, \
     array_agg(DISTINCT version COLLATE \"C\") AS versions, array_agg(DISTINCT subdir) AS subdirs, \
     count(*) AS files, min(uploaded_at) AS created_at, max(uploaded_at) AS updated_at, \
     (array_agg(summary ORDER BY seq DESC, filename))[1] AS summary, \
     (array_agg(channeldata_json ORDER BY seq DESC, filename))[1] AS channeldata_json \
     FROM live.artifacts WHERE channel_id = ANY($1) AND (strpos(name, $2) > 0 OR strpos(name, $3) > 0) \
     AND ($4 = '' OR kind = $4) AND ($5 = '' OR subdir = $5) AND (name, kind, channel_id) > ($6, $7, $8) \
     GROUP BY channel_id, kind, name ORDER BY name, kind, channel_id LIMIT $9";

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
        let query = sqlx::query_as(LISTED)
            .bind(ids)
            .bind(wanted.text.as_str())
            // Python's names hold `-` where people type `_` or `.`.
            .bind(wanted.text.replace(['_', '.'], "-"))
            .bind(wanted.kind.map_or("", PackageKind::as_str))
            .bind(wanted.subdir.as_deref().unwrap_or_default())
            .bind(name)
            .bind(kind)
            .bind(channel)
            .bind(i64::from(limit.clamp(1, PAGE_LIMIT)));
        limited(query.fetch_all(self.pool())).await
    }
}
