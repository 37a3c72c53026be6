//! Pages are sent compressed to clients that say they can read it. Each encoding is a representation of its own, with
//! its own ETag, so that ranges and conditions mean the bytes that are sent.
//!
//! Only simple pages: conda's clients ask for `.zst` by name, and files are compressed already.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use crate::render::Rendered;

/// A smaller page fits a packet or two as it is.
const MIN_BYTES: usize = 1024;

/// A larger one would hold a worker for too long.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Levels at which both cost about a millisecond per 100 KiB.
const ZSTD_LEVEL: i32 = 1;
const GZIP_LEVEL: Compression = Compression::new(2);

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// What `Content-Encoding` says, if anything.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// The page as this client takes it best; `None` is as it is.
pub(super) fn encoded(document: &Rendered, headers: &HeaderMap) -> Option<(Rendered, &'static str)> {
    let page = ["application/vnd.pypi.simple", "text/html"]
        .iter()
        .any(|page| document.content_type.starts_with(page));
    let encoding = match document.bytes.len() {
        MIN_BYTES..=MAX_BYTES if page => wanted(headers),
        _ => Encoding::Identity,
    };
    let bytes = match encoding {
        Encoding::Identity => return None,
        Encoding::Gzip => gzip(&document.bytes),
        Encoding::Zstd => {
            zstd::bulk::compress(&document.bytes, ZSTD_LEVEL).expect("memory into memory cannot fail")
        }
    };
    let coding = encoding.name()?;
    Some((document.coded(coding, bytes), coding))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), GZIP_LEVEL);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory into memory cannot fail")
}

/// The best that is named without being refused (RFC 9110, section 12.5.3).
fn wanted(headers: &HeaderMap) -> Encoding {
    let named = |name: &str| {
        let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let refused = |rest: &str| {
            let quality = rest.split(';').find_map(|part| part.trim().strip_prefix("q="));
            quality.is_some_and(|quality| quality.trim().parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        };
        lists.flat_map(|list| list.split(',')).any(|item| {
            let (coding, rest) = item.split_once(';').unwrap_or((item, ""));
            coding.trim().eq_ignore_ascii_case(name) && !refused(rest)
        })
    };
    match (named("zstd"), named("gzip")) {
        (true, _) => Encoding::Zstd,
        (false, true) => Encoding::Gzip,
        (false, false) => Encoding::Identity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Read;

    fn page(bytes: usize) -> Rendered {
        Rendered::new("text/html; charset=utf-8", vec![b'a'; bytes], None)
    }

    fn accepts(list: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(list))])
    }

    #[test]
    fn a_client_gets_the_best_it_names() {
        for (list, encoding) in [
            ("gzip, deflate, zstd", Some("zstd")),
            ("gzip, deflate", Some("gzip")),
            ("zstd;q=0, gzip;q=0.5", Some("gzip")),
            ("identity", None),
            ("br", None),
        ] {
            assert_eq!(encoded(&page(5000), &accepts(list)).map(|(_, coding)| coding), encoding, "{list}");
        }
        assert_eq!(encoded(&page(5000), &HeaderMap::new()), None);
    }

    #[test]
    fn each_encoding_is_a_representation_of_its_own() {
        let plain = page(5000);
        let (gzipped, _) = encoded(&plain, &accepts("gzip")).unwrap();
        let (zstd, _) = encoded(&plain, &accepts("zstd")).unwrap();
        assert!(plain.etag != gzipped.etag && gzipped.etag != zstd.etag && gzipped.etag.ends_with("-gzip\""));
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&gzipped.bytes[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain.bytes);
        assert_eq!(zstd::bulk::decompress(&zstd.bytes, 5000).unwrap(), plain.bytes);
    }

    #[test]
    fn indexes_files_and_small_pages_go_as_they_are() {
        let json = Rendered::new("application/json", vec![b'a'; 5000], None);
        assert_eq!(encoded(&json, &accepts("gzip")), None);
        assert_eq!(encoded(&page(100), &accepts("gzip")), None);
    }
}
