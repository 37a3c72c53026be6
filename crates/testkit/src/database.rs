//! The database as somebody sees it who has stolen it.

use anyhow::Context as _;
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::process::LIMIT;

/// What the projector calls when it has taken uses of tokens in.
const USED: &str = "latchkey_usage";

/// Looks now and after each of these calls, until there is something to see.
pub(crate) async fn when_used<T>(
    url: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let mut calls = PgListener::connect(url).await?;
    calls.listen(USED).await?;
    let looking = async {
        loop {
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            calls.recv().await?;
        }
    };
    tokio::time::timeout(LIMIT, looking).await.context("no use that was waited for was taken in")?
}

/// Every table outside Postgres' own schemas with all its rows as text.
pub(crate) async fn tables(url: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut connection = PgConnection::connect(url).await?;
    let names = sqlx::query(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    );
    let mut tables = Vec::new();
    for row in names.fetch_all(&mut connection).await? {
        let name: String = row.try_get("name")?;
        // The name comes from the catalogue, quoted by format().
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT t::text AS row FROM {name} t")));
        let rows = rows.fetch_all(&mut connection).await?;
        let texts = rows.iter().map(|row| row.try_get("row")).collect::<Result<Vec<String>, _>>()?;
        tables.push((name, texts.join("\n")));
    }
    Ok(tables)
}
