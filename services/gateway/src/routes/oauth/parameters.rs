//! The parameters of a request: a query or a form (RFC 6749, section 3.1 and appendix B).

use std::collections::BTreeMap;

use runtime::Secret;

/// Parameters of one request; the sign-in form has nine.
const MAX_PARAMETERS: usize = 32;

/// Each by its name. Any of them may be a password or a code, so none can be printed.
pub(super) struct Parameters(BTreeMap<String, Secret>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`. The error is a sentence for the program's author.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut found = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            if found.len() == MAX_PARAMETERS {
                return Err(format!("there are more than {MAX_PARAMETERS} parameters"));
            }
            // Which of the two was meant cannot be known.
            if found.insert(name.into_owned(), Secret::new(value.into_owned())).is_some() {
                return Err("a parameter is given twice".into());
            }
        }
        Ok(Self(found))
    }

    /// One without a value counts as left out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_once_and_an_empty_one_is_none() {
        let read = Parameters::parse(b"a=1&b=&c=x%20y+z&d").unwrap();
        assert_eq!((read.get("a"), read.get("c")), (Some("1"), Some("x y z")));
        assert_eq!((read.get("b"), read.get("d"), read.get("e")), (None, None, None));
        assert!(Parameters::parse(b"a=1&a=1").is_err());
    }

    #[test]
    fn the_most_parameters_are_read_and_one_more_is_refused() {
        let text = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert!(Parameters::parse(text(MAX_PARAMETERS).as_bytes()).is_ok());
        assert!(Parameters::parse(text(MAX_PARAMETERS + 1).as_bytes()).is_err());
    }
}
