//! Writing JSON by joining parts that are JSON already.

/// Appends a text as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a text is always a JSON string");
}

/// Appends `{"key":value,...}` from pairs that come in order; a value writes itself.
pub(crate) fn object<'a, V>(
    out: &mut Vec<u8>,
    pairs: impl IntoIterator<Item = (&'a str, V)>,
    write: impl Fn(&mut Vec<u8>, V),
) {
    out.push(b'{');
    for (index, (key, value)) in pairs.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, key);
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}
