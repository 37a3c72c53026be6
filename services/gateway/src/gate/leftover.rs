//! What a refused client is sending anyway.

use axum::body::HttpBody;
use axum::extract::Request;
use futures::StreamExt;
use http::header::EXPECT;

use crate::limits::{LEFTOVER_BYTES, LEFTOVER_LIMIT};

/// Reads it and throws it away, within limits, while the refusal is on its way: whoever sends first and reads later
/// would see a broken connection instead.
pub(crate) fn discard(request: Request) {
    // Whoever asked first is waiting for the answer and sends nothing once it is a refusal.
    if request.headers().contains_key(EXPECT) {
        return;
    }
    let body = request.into_body();
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(tokio::time::timeout(LEFTOVER_LIMIT, async move {
        let (mut left, mut chunks) = (LEFTOVER_BYTES, body.into_data_stream());
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => return,
            }
        }
    }));
}
