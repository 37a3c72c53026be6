//! Every bound of the gateway, with its unit.

use std::time::Duration;

/// Header lines of one request, names and values together. pip sends under 1 KiB.
pub(crate) const MAX_HEADER_BYTES: usize = 32 * 1024;

/// How long a client may take for its header lines.
pub(crate) const HEADER_LIMIT: Duration = Duration::from_secs(30);

/// How long a client may take for its TLS handshake.
pub(crate) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Between two looks for a renewed certificate.
pub(crate) const CERTIFICATE_CHECK: Duration = Duration::from_secs(10);

/// Requests in work at once. Beyond, 503: waiting would only make the queue longer.
pub(crate) const MAX_REQUESTS: usize = 4096;

/// How long an upload may stand still: its place is needed by others.
pub(crate) const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Uploads in work at once: each holds a part of a blob in memory.
pub(crate) const MAX_UPLOADS: usize = 64;

/// A JSON body.
pub(crate) const MAX_JSON_BYTES: usize = 64 * 1024;

/// A list of artifacts to copy, move or remove at once.
pub(crate) const MAX_BULK_BYTES: usize = 1024 * 1024;

/// The form of a sign-in by browser, or the request that follows it.
pub(crate) const MAX_SIGN_IN_BYTES: usize = 16 * 1024;

/// A text that is looked through for tokens.
pub(crate) const MAX_LEAKED_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Strings in it that can be asked about at once.
pub(crate) const MAX_LEAKED_STRINGS: usize = 1000;

/// One field of a form that is read; a digest, a name or a version.
pub(crate) const MAX_FIELD_BYTES: usize = 4 * 1024;

/// All of a form but the file: descriptions are sent along and can be long.
pub(crate) const MAX_FORM_BYTES: u64 = 16 * 1024 * 1024;

/// Fields of a form; every classifier is one.
pub(crate) const MAX_FIELDS: usize = 2048;

/// How long an upload waits for the read models and the other gateways before it is answered as pending.
pub(crate) const PENDING_LIMIT: Duration = Duration::from_secs(2);

/// How long the content feed may be behind the read models.
pub(crate) const KEEP_UP_LIMIT: Duration = Duration::from_millis(500);

/// How long a read waits for rows that are as new as what was heard.
pub(crate) const CATCH_UP_LIMIT: Duration = Duration::from_secs(2);

/// After how many bytes of a download the caller's access is looked at again.
pub(crate) const RECHECK_BYTES: u64 = 4 * 1024 * 1024;

/// After how much time.
pub(crate) const RECHECK_AFTER: Duration = Duration::from_secs(1);

/// A body that is sent in one piece; a larger one goes in chunks, between which access is looked at again.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// A refused request's body is read and thrown away up to here, so that clients that send first and read later get to
/// see the refusal instead of a broken connection.
pub(crate) const LEFTOVER_BYTES: usize = 32 * 1024 * 1024;

/// And for at most this long.
pub(crate) const LEFTOVER_LIMIT: Duration = Duration::from_secs(10);

/// A call to auth or catalog that only reads.
pub(crate) const READ_CALL: Duration = Duration::from_secs(5);

/// A call that changes something; a restricting one waits for the gateways.
pub(crate) const WRITE_CALL: Duration = Duration::from_secs(30);

/// Publishing: catalog reads the whole archive.
pub(crate) const PUBLISH_CALL: Duration = Duration::from_secs(300);

/// Tries of a call that is safe to repeat.
pub(crate) const TRIES: u32 = 3;

/// Between two of them.
pub(crate) const BETWEEN_TRIES: Duration = Duration::from_millis(150);

/// How long work in hand may go on once the process is asked to stop.
pub(crate) const DRAIN_LIMIT: Duration = Duration::from_secs(20);

/// Between two looks for uploads that nobody has committed.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// An upload that was written to within this time may still be at work.
pub(crate) const LEFT_ALONE: Duration = Duration::from_secs(24 * 60 * 60);
