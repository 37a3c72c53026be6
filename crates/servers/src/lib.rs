//! Finds, starts and stops nats-server and Postgres.
