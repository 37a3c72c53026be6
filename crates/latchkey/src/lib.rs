//! The latchkey command: up, and the client verbs.
