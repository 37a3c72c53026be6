//! Signing in by browser, for programs on somebody's own computer: the authorisation code grant (RFC 6749, section 4.1)
//! of public clients (RFC 8252) with proof of possession (RFC 7636), on this server's own accounts.
//!
//! No program is registered and none has a secret: an answer goes to a loopback address only, every sign-in takes the
//! password anew, and the program is named to whoever types it. What a program gets is a session like any other. It is
//! no OpenID provider: there are no ID tokens, which none of the programs that sign in here reads.

pub(crate) mod authorize;
pub(crate) mod discovery;
mod guard;
pub(crate) mod landing;
mod page;
mod parameters;
pub(crate) mod token;
mod wish;

/// Where the browser is sent.
const AUTHORIZE: &str = "/-/oauth/authorize";

/// Where the program asks for its session.
const TOKEN: &str = "/-/oauth/token";
