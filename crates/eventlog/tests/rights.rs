//! Each user of NATS tries what it has no right to, by hand and through the server: by a reply subject, by a
//! consumer's deliver subject. What the server lets pass is what the file of rights says, and nothing else.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod rights {
    pub(crate) mod subjects;
    mod through;
    pub(crate) mod wire;
}
