//! The contract: gRPC services, and the events as they are stored.
//!
//! Old bytes are never rewritten: fields are only added, all of them optional, and whoever reads
//! fills in what an older writer did not know.

/// Events, and the envelope in which a decision stands in the log.
pub mod event {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.event.v1");
    }
}

/// The access feed and the content feed.
pub mod feed {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.feed.v1");
    }
}

/// Accounts and tokens.
pub mod auth {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.auth.v1");
    }
}

/// Channels and artifacts.
pub mod catalog {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.catalog.v1");
    }
}

/// The log for auditors.
pub mod events {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.events.v1");
    }
}

/// How replicas stand.
pub mod status {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.status.v1");
    }
}

/// The use of tokens, as gateways tell it. It is not part of the log.
pub mod usage {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("latchkey.usage.v1");
    }
}

/// File descriptors of everything above, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
