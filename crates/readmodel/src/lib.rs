//! The only SQL: ledger, checkpoints, read models.
