//! How a command ends when it does not succeed: one sentence for the person, one number for the script.

use std::fmt;

use serde_json::{Value, json};

/// The numbers are a promise to scripts; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Anything that has no number of its own.
    Other = 1,
    /// The command line, or a value in it, is wrong.
    Usage = 2,
    /// Not signed in, or the server does not accept the credential.
    Unauthenticated = 3,
    /// The credential is good and may not do this.
    Forbidden = 4,
    /// There is no such thing, or none that the caller may see.
    NotFound = 5,
    /// The name is taken, or another change came first.
    Conflict = 6,
    /// The server cannot be reached, or asks to be tried again later.
    Unavailable = 7,
}

impl Exit {
    /// The number that stands for an HTTP status.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 | 422 => Self::Usage,
            401 => Self::Unauthenticated,
            403 => Self::Forbidden,
            404 | 410 => Self::NotFound,
            409 | 412 => Self::Conflict,
            429 | 502..=504 => Self::Unavailable,
            _ => Self::Other,
        }
    }

    /// The process's exit status.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failed {
    /// The number the process ends with.
    pub exit: Exit,
    /// What went wrong, in a sentence.
    pub message: String,
    /// What to do next, if anything can be said.
    pub hint: Option<String>,
    /// The server's problem document.
    pub problem: Option<Value>,
}

impl Failed {
    /// A failure found on this side.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, problem: None }
    }

    /// A wrong value on the command line.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message.to_string())
    }

    /// A file or terminal that does not do what it should.
    pub fn io(doing: impl fmt::Display, source: &std::io::Error) -> Self {
        Self::new(Exit::Other, format!("{doing}: {source}"))
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Where to look for what is there, if it is not there and nothing better is known.
    pub fn look(self, hint: &str) -> Self {
        match (self.exit, &self.hint) {
            (Exit::NotFound, None) => self.hint(hint),
            _ => self,
        }
    }

    /// A refusal by the server: its own words, and its request id for whoever reads its log.
    pub fn answered(status: u16, problem: Option<Value>, request_id: Option<&str>) -> Self {
        let text = |name| problem.as_ref().and_then(|p| p.get(name)).and_then(Value::as_str);
        let words = text("detail").or(text("title")).or(text("error"));
        let mut message = match words {
            Some(words) => words.to_owned(),
            None => format!("the server answered with status {status}"),
        };
        if let Some(id) = text("request_id").or(request_id) {
            message.push_str(&format!(" (request {id})"));
        }
        let exit = Exit::of_status(status);
        let failed = Self { exit, message, hint: None, problem };
        match exit {
            Exit::Unauthenticated => failed.hint("sign in with `latchkey login`, or set LATCHKEY_TOKEN"),
            Exit::Unavailable => failed.hint("nothing was lost: run the same command again in a moment"),
            Exit::Forbidden => failed.hint(
                "`latchkey whoami` shows whose credential this is, `latchkey channel list` the channels that it opens",
            ),
            Exit::Other | Exit::Usage | Exit::NotFound | Exit::Conflict => failed,
        }
    }

    /// The document that `--json` prints in place of a result.
    pub fn document(&self) -> Value {
        json!({ "error": { "message": self.message, "exit": self.exit.code(), "problem": self.problem } })
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failed {}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(failed) => failed,
            Err(error) => Self::new(Exit::Other, format!("{error:#}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_detail_and_request_id_reach_the_person() {
        let problem = json!({ "title": "Forbidden", "detail": "needs write on acme", "request_id": "r-1" });
        let failed = Failed::answered(403, Some(problem), None);
        assert_eq!(failed.exit, Exit::Forbidden);
        assert!(failed.to_string().starts_with("needs write on acme (request r-1)\n"), "{failed}");
    }

    #[test]
    fn a_place_to_look_is_told_once_and_where_something_is_not_there() {
        let failed = |status| Failed::answered(status, None, None).look("first").look("second");
        assert_eq!(failed(404).hint.as_deref(), Some("first"));
        assert_eq!(failed(409).hint, None);
    }

    #[test]
    fn an_answer_without_a_document_still_says_its_status() {
        let failed = Failed::answered(500, None, Some("r-2"));
        assert_eq!(failed.exit.code(), 1);
        assert_eq!(failed.to_string(), "the server answered with status 500 (request r-2)");
    }
}
