//! Builds the read models from what the services publish.
