//! Comparing the live tables with a version rebuilt beside them.

use sqlx::{AssertSqlSafe, Row};

use crate::{
    artifact::count,
    write::{Tx, WriteError},
};

/// The tables of a version that are compared; the checkpoint is compared by itself.
pub const TABLES: [&str; 14] = [
    "applied",
    "parked",
    "accounts",
    "account_owners",
    "tokens",
    "token_grants",
    "channel_grants",
    "channels",
    "groups",
    "group_members",
    "packages",
    "package_grants",
    "artifacts",
    "history",
];

/// How many differing rows are shown of a table.
const SHOWN_MAX: i64 = 5;

/// One table, live and rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Rows that are live.
    pub live_rows: u64,
    /// Rows that were rebuilt.
    pub rebuilt_rows: u64,
    /// The same rows give the same sum, in whatever order.
    pub live_sum: String,
    /// As above.
    pub rebuilt_sum: String,
    /// Some of the rows that only the live table has.
    pub only_live: Vec<String>,
    /// Some of the rows that only the rebuilt table has.
    pub only_rebuilt: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.live_rows == self.rebuilt_rows && self.live_sum == self.rebuilt_sum
    }
}

impl Tx {
    /// Compares one table of this version with the live one, row by row.
    pub async fn compare(&mut self, table: &'static str) -> Result<Difference, WriteError> {
        let schema = self.version.schema();
        let (live_rows, live_sum) = self.sum("live", table).await?;
        let (rebuilt_rows, rebuilt_sum) = self.sum(&schema, table).await?;
        let mut difference = Difference {
            table,
            live_rows,
            rebuilt_rows,
            live_sum,
            rebuilt_sum,
            only_live: Vec::new(),
            only_rebuilt: Vec::new(),
        };
        if !difference.is_none() {
            difference.only_live = self.only("live", &schema, table).await?;
            difference.only_rebuilt = self.only(&schema, "live", table).await?;
        }
        Ok(difference)
    }

    /// Half of each row's MD5, added up: independent of the order, and of how many rows fit into memory.
    async fn sum(&mut self, schema: &str, table: &'static str) -> Result<(u64, String), WriteError> {
        let sql = format!(
            "SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text \
             AS sum FROM {schema}.{table} t"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *self.inner).await?;
        Ok((count(&row, "rows")?, row.try_get("sum")?))
    }

    async fn only(
        &mut self,
        here: &str,
        there: &str,
        table: &'static str,
    ) -> Result<Vec<String>, WriteError> {
        let sql = format!(
            "SELECT t::text FROM {here}.{table} t EXCEPT SELECT t::text FROM {there}.{table} t ORDER BY 1 LIMIT $1"
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(SHOWN_MAX).fetch_all(&mut *self.inner).await?)
    }
}
