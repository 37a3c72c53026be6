//! Append, execute, tail: JetStream, and memory for tests.
