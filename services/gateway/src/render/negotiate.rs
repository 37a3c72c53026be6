//! Which form of a simple page a client gets (PEP 691, PEP 629; RFC 9110 section 12.5.1).

/// The forms of the simple API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/vnd.pypi.simple.v1+json`.
    Json,
    /// `application/vnd.pypi.simple.v1+html`.
    Html,
    /// `text/html`: the same page for whoever knows no better name.
    TextHtml,
}

impl Format {
    /// What `Content-Type` says. It is always the real type, also where `latest` was asked for.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/vnd.pypi.simple.v1+json",
            Self::Html => "application/vnd.pypi.simple.v1+html",
            Self::TextHtml => "text/html; charset=utf-8",
        }
    }

    /// The names a client may ask by.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json"],
            Self::Html => &["application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html"],
            Self::TextHtml => &["text/html"],
        }
    }
}

/// A client's wish for one media range, in thousandths.
struct Wish {
    range: String,
    quality: u16,
}

/// Answers an `Accept` header: the highest quality wins, JSON on a tie, `text/html` where the client leaves
/// it open. `None` is 406.
pub fn negotiate(accept: Option<&str>) -> Option<Format> {
    let wishes: Vec<_> = accept.unwrap_or_default().split(',').filter_map(wish).collect();
    if wishes.is_empty() {
        return Some(Format::TextHtml);
    }
    // On a tie a type that was named wins over one that a wildcard let in. Of the named JSON is first; of the
    // others `text/html`, since `*/*` comes from browsers and from clients older than the JSON form.
    let named = [Format::TextHtml, Format::Html, Format::Json];
    let wild = [Format::Html, Format::Json, Format::TextHtml];
    let offers = wild
        .into_iter()
        .filter_map(|format| Some((wild_quality(&wishes, format)?, format)))
        .chain(named.into_iter().filter_map(|format| Some((named_quality(&wishes, format)?, format))));
    // Of equals the last one is taken.
    offers.filter(|(quality, _)| *quality > 0).max_by_key(|(quality, _)| *quality).map(|(_, format)| format)
}

fn named_quality(wishes: &[Wish], format: Format) -> Option<u16> {
    format.names().iter().filter_map(|name| quality_of(wishes, name)).max()
}

/// What the most specific wildcard says of a type that was not named.
fn wild_quality(wishes: &[Wish], format: Format) -> Option<u16> {
    if named_quality(wishes, format).is_some() {
        return None;
    }
    let range = match format {
        Format::Json | Format::Html => "application/*",
        Format::TextHtml => "text/*",
    };
    quality_of(wishes, range).or_else(|| quality_of(wishes, "*/*"))
}

fn quality_of(wishes: &[Wish], range: &str) -> Option<u16> {
    wishes.iter().filter(|wish| wish.range == range).map(|wish| wish.quality).max()
}

/// Reads `type/subtype;q=0.5`. A part that is none is left out, as if it had not been sent.
fn wish(part: &str) -> Option<Wish> {
    let mut pieces = part.split(';').map(str::trim);
    let range = pieces.next()?.to_ascii_lowercase();
    if !range.contains('/') {
        return None;
    }
    let quality = pieces
        .filter_map(|piece| piece.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
        .map_or(Some(1000), |(_, value)| thousandths(value.trim()))?;
    Some(Wish { range, quality })
}

/// A quality has at most three decimals (RFC 9110 section 12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = whole.parse::<u16>().ok().filter(|whole| *whole <= 1)? * 1000
        + format!("{decimals:0<3}").parse::<u16>().ok()?;
    (value <= 1000).then_some(value)
}
