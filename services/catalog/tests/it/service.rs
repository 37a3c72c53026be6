//! The service over real gRPC, on a real nats-server.

mod bulk;
mod channels;
mod feed;
mod frozen;
mod groups;
mod labels;
mod packages;
mod publishing;
mod scopes;

use tonic::{Code, Status};

/// The code and words of a call that must fail.
fn refused<T: std::fmt::Debug>(result: Result<tonic::Response<T>, Status>) -> (Code, String) {
    let status = result.expect_err("it should have been refused");
    (status.code(), status.message().to_owned())
}
