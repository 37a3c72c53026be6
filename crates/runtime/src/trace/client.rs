//! What every call to another service carries besides its message.

use tonic::Status;
use tonic::service::Interceptor;

/// Adds trace context and request id to a gRPC client's calls:
/// `AuthClient::with_interceptor(channel, GrpcClient)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcClient;

impl Interceptor for GrpcClient {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        super::context::inject(request.metadata_mut());
        Ok(request)
    }
}
