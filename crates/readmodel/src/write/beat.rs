//! Projectors that live, for whoever asks how things stand.

use uuid::Uuid;

use crate::write::{Database, WriteError};

/// One projector, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Fresh in each process.
    pub incarnation: Uuid,
    /// Stable over restarts.
    pub name: String,
    /// Of its release.
    pub version: String,
}

impl Database {
    /// Says that this one lives, and whether it writes. Whoever has said nothing for an hour is forgotten.
    pub async fn beat(&self, beat: &Beat, active: bool) -> Result<(), WriteError> {
        sqlx::query(
            "INSERT INTO meta.projectors (incarnation, name, version, active, seen_at) VALUES ($1, $2, $3, $4, now()) \
             ON CONFLICT (incarnation) DO UPDATE SET active = $4, seen_at = now()",
        )
        .bind(beat.incarnation)
        .bind(&beat.name)
        .bind(&beat.version)
        .bind(active)
        .execute(&self.pool)
        .await?;
        // One writes at a time: who was killed cannot say that it does not any more.
        sqlx::query("UPDATE meta.projectors SET active = false WHERE active AND $2 AND incarnation <> $1")
            .bind(beat.incarnation)
            .bind(active)
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM meta.projectors WHERE seen_at < now() - interval '1 hour'")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Says that this one ends.
    pub async fn last_beat(&self, incarnation: Uuid) -> Result<(), WriteError> {
        sqlx::query("DELETE FROM meta.projectors WHERE incarnation = $1")
            .bind(incarnation)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
