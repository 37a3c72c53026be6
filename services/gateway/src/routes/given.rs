//! What a handler is given of a request that has passed the gate.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use readmodel::Packages;
use serde::de::DeserializeOwned;

use crate::file::Asked;
use crate::gate::Admitted;
use crate::problem::Problem;
use crate::routes::reach;
use crate::state::App;

/// The request without its body; `P` is what the address names.
pub(crate) struct Given<P> {
    pub(crate) app: App,
    pub(crate) admitted: Admitted,
    pub(crate) path: P,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

impl<P> Given<P> {
    /// The packages that the caller sees of the channel of the address, for a listing.
    pub(crate) fn packages(&self) -> Packages {
        self.app.view.read(|table| reach::selected(table, self.admitted.view()))
    }

    /// The same for whoever answers with bytes.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { app: &self.app, admitted: &self.admitted, method: &self.method, headers: &self.headers }
    }
}

/// A request that is answered with nothing but what its address names.
pub(crate) struct Plain {
    pub(crate) app: App,
    pub(crate) admitted: Admitted,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

impl Plain {
    /// Who is answered with bytes.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { app: &self.app, admitted: &self.admitted, method: &self.method, headers: &self.headers }
    }

    /// For whoever reads the address itself.
    pub(crate) fn at<P>(self, path: P, uri: Uri) -> Given<P> {
        let Self { app, admitted, method, headers } = self;
        Given { app, admitted, path, method, uri, headers }
    }
}

impl<P: DeserializeOwned + Send> FromRequestParts<App> for Given<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(path) = Path::<P>::from_request_parts(parts, app).await.map_err(|_unreadable| {
            Problem::invalid("the address is not readable: it should be UTF-8, percent-encoded")
        })?;
        let admitted =
            parts.extensions.remove::<Admitted>().expect("the gate stands in front of every handler");
        // Nothing behind this looks at them again.
        let headers = std::mem::take(&mut parts.headers);
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        Ok(Self { app: app.clone(), admitted, path, method, uri, headers })
    }
}
