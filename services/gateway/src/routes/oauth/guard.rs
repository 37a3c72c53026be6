//! That a sign-in form was sent from our own page: the form and a cookie hold the same random text, and no other site can
//! read or set that cookie. Nothing is kept here, so any gateway can look at what another has given.
//!
//! Without it another site could have somebody sign in, unseen, to an account that is not theirs.

use http::header::COOKIE;
use http::{HeaderMap, HeaderName};

use crate::origin::Origin;
use crate::state::App;

/// The form's field.
pub(super) const FIELD: &str = "form_token";

/// A page may stand open so long before it is sent.
const LIFE_S: u32 = 30 * 60;

const BYTES: usize = 16;

/// What browsers say of where a request comes from (W3C Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The text that the browser has, or a new one: several pages may be open at a time.
pub(super) fn text(app: &App, headers: &HeaderMap, origin: &Origin) -> String {
    held(headers, origin).map_or_else(
        || {
            let mut random = [0; BYTES];
            app.ambient.ids.fill(&mut random);
            hex::encode(random)
        },
        str::to_owned,
    )
}

/// Has the browser keep it for this host alone (RFC 6265bis, sections 4.1.3 and 5.6).
pub(super) fn cookie(text: &str, origin: &Origin) -> String {
    let secure = if origin.is_secure() { "; Secure" } else { "" };
    let name = name(origin);
    format!("{name}={text}; Path=/; Max-Age={LIFE_S}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether the form that holds this text is ours.
pub(super) fn holds(form: Option<&str>, headers: &HeaderMap, origin: &Origin) -> bool {
    let ours = headers.get(FETCH_SITE).is_none_or(|site| site == "same-origin");
    ours && form.is_some() && form == held(headers, origin)
}

/// Browsers take `__Host-` only over TLS, and only from the host itself.
fn name(origin: &Origin) -> &'static str {
    if origin.is_secure() { "__Host-latchkey-form" } else { "latchkey-form" }
}

fn held<'a>(headers: &'a HeaderMap, origin: &Origin) -> Option<&'a str> {
    let name = name(origin);
    let pairs = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, text) = pairs.find(|(of, _)| *of == name)?;
    let ours = text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    ours.then_some(text)
}
