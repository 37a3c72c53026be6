//! Files copied, moved or removed at once, for every interface that does it: all of them or none, and safe to repeat.

use proto::catalog::v1::{
    CopyArtifactsReply, CopyArtifactsRequest, Place, RemoveArtifactReply, RemoveArtifactsRequest,
};
use readmodel::ArtifactRow;
use tonic::Status;

use crate::limits::PUBLISH_CALL;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::upstream;

/// Files in one request; catalog's own limit.
pub(crate) const FILES: usize = 1000;

/// Where a file stands, in the words of the contract.
pub(crate) fn place(row: &ArtifactRow) -> Place {
    Place { kind: stored_kind(row.kind).into(), subdir: row.subdir.clone(), filename: row.filename.clone() }
}

/// Removes the files from the channel of the address.
pub(crate) async fn remove<P>(given: &Given<P>, files: Vec<Place>) -> Result<RemoveArtifactReply, Status> {
    let message = RemoveArtifactsRequest { channel: given.admitted.room().name.to_string(), files };
    let request = upstream::request(&given.admitted.presented, message, PUBLISH_CALL);
    Ok(given.app.upstreams.catalog().remove_artifacts(request).await?.into_inner())
}

/// Copies or moves the files from the channel of the address, whatever the wish says of it.
pub(crate) async fn copy<P>(
    given: &Given<P>,
    wish: CopyArtifactsRequest,
) -> Result<CopyArtifactsReply, Status> {
    let message = CopyArtifactsRequest { channel: given.admitted.room().name.to_string(), ..wish };
    let request = upstream::request(&given.admitted.presented, message, PUBLISH_CALL);
    Ok(given.app.upstreams.catalog().copy_artifacts(request).await?.into_inner())
}
