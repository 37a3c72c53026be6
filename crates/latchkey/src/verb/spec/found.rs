//! The files that a spec means, as the server lists them for whoever asks. Where there are none, what came nearest is
//! named: from the same list, so that nothing is named that they may not see.

use std::collections::HashSet;

use names::{ChannelPath, PackageKind};
use reqwest::Method;
use serde_json::Value;

use super::{Narrow, Spec, Wanted};
use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{list, text};
use crate::verb::artifact::place;

/// Packages of a page, and pages that are looked through for a name like the one that is not there.
const PAGE: usize = 1_000;
const PAGES_MAX: usize = 10;

/// How many that came near are named.
const NEAREST: usize = 3;

/// How alike, from 0 to 1.
const ALIKE: f64 = 0.5;

/// The files meant, each once; none is a failure that says what came nearest.
pub(crate) async fn files(client: &Client, specs: &[Spec], narrow: &Narrow) -> Result<Vec<Value>, Failed> {
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    for spec in specs {
        let found = of(client, spec, narrow).await?;
        files.extend(found.into_iter().filter(|file| seen.insert(place(file))));
    }
    Ok(files)
}

/// The one channel of all the specs.
pub(crate) fn channel(specs: &[Spec]) -> Result<&ChannelPath, Failed> {
    let (first, rest) = specs.split_first().ok_or_else(|| Failed::usage("say which files"))?;
    match rest.iter().find(|spec| spec.channel != first.channel) {
        Some(other) => Err(Failed::usage(format_args!(
            "{} and {} are two channels, and what is done at once is done in one",
            first.channel, other.channel
        ))
        .hint("run the command once for each of them")),
        None => Ok(&first.channel),
    }
}

async fn of(client: &Client, spec: &Spec, narrow: &Narrow) -> Result<Vec<Value>, Failed> {
    let segments = ["channels", spec.channel.as_str(), "artifacts"];
    let label = narrow.label.as_ref().map(names::LabelName::as_str);
    let query = match (&spec.wanted, label) {
        (Some(wanted), _) => [("name", wanted.package.as_str())],
        (None, Some(label)) => [("label", label)],
        (None, None) => {
            let words =
                format!("say which package of {}: {}/PACKAGE[/VERSION[/FILE]]", spec.channel, spec.channel);
            return Err(Failed::usage(words).hint("or with --label LABEL: all that bear it"));
        }
    };
    let mut files = client.all(&segments, &query, "artifacts").await?;
    let is_of_kind = |file: &Value| narrow.kind.is_none_or(|kind| text(file, "kind") == kind.as_str());
    let Some(wanted) = &spec.wanted else {
        files.retain(is_of_kind);
        return if files.is_empty() { Err(unlabelled(spec, narrow)) } else { Ok(files) };
    };
    if files.is_empty() {
        return Err(no_package(client, spec, wanted, narrow).await);
    }
    let known = |files: &[Value], field: fn(&Value) -> String| files.iter().map(field).collect::<Vec<_>>();
    let kinds = known(&files, |file| text(file, "kind"));
    files.retain(is_of_kind);
    if let (true, Some(kind)) = (files.is_empty(), narrow.kind) {
        return Err(missing(spec, &format!("{} of kind {kind}", wanted.package), kind.as_str(), &kinds));
    }
    if let Some(version) = &wanted.version {
        let versions = known(&files, |file| text(file, "version"));
        files.retain(|file| text(file, "version") == *version);
        if files.is_empty() {
            return Err(missing(spec, &format!("{} {version}", wanted.package), version, &versions));
        }
    }
    if let Some(wish) = &wanted.file {
        let places = known(&files, place);
        files.retain(|file| is_called(file, wish));
        if files.is_empty() {
            return Err(missing(spec, wish, wish, &places));
        }
    }
    if let Some(label) = label {
        let labels: Vec<String> = files.iter().flat_map(labels_of).collect();
        files.retain(|file| labels_of(file).iter().any(|borne| borne == label));
        if files.is_empty() {
            return Err(missing(spec, &format!("{wanted} under the label {label}"), label, &labels));
        }
    }
    Ok(files)
}

/// Whether a file is called so: as `artifact list` shows it, by its name alone, or with its subdir.
fn is_called(file: &Value, wish: &str) -> bool {
    let (filename, subdir) = (text(file, "filename"), text(file, "subdir"));
    wish == filename || wish == place(file) || wish == format!("{subdir}/{filename}")
}

fn labels_of(file: &Value) -> Vec<String> {
    list(file, "labels").iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

/// What is not there, and what is instead.
fn missing(spec: &Spec, what: &str, wish: &str, known: &[String]) -> Failed {
    let words = format!("there is no {what} in {} that you may see", spec.channel);
    let mut all = known.to_vec();
    all.sort_unstable();
    all.dedup();
    let failed = Failed::new(Exit::NotFound, words);
    match (nearest(wish, &all)[..].join(", "), all.len()) {
        (near, _) if !near.is_empty() => failed.hint(format!("nearest: {near}")),
        (_, 1..=NEAREST) => failed.hint(format!("there is: {}", all.join(", "))),
        _ => failed.hint(format!("`latchkey artifact list {}` shows what there is", spec.channel)),
    }
}

fn unlabelled(spec: &Spec, narrow: &Narrow) -> Failed {
    let label = narrow.label.as_ref().map_or("", names::LabelName::as_str);
    let words = format!("no such file in {} that you may see bears the label {label}", spec.channel);
    Failed::new(Exit::NotFound, words)
        .hint(format!("`latchkey label list {}` shows which there are", spec.channel))
}

async fn no_package(client: &Client, spec: &Spec, wanted: &Wanted, narrow: &Narrow) -> Failed {
    let (channel, package) = (&spec.channel, wanted.package.as_str());
    let failed = unknown(client, channel, package, narrow.kind).await;
    let below = format!("{channel}/{package}");
    if channel.parent().is_none() && client.get(&["channels", &below]).await.is_ok() {
        return failed.hint(format!("{below} is a subchannel: write {below}::PACKAGE[/VERSION[/FILE]]"));
    }
    failed
}

/// A package that is not there, and which come near.
pub(crate) async fn unknown(
    client: &Client,
    channel: &ChannelPath,
    package: &str,
    kind: Option<PackageKind>,
) -> Failed {
    let failed = |what: &str| {
        Failed::new(Exit::NotFound, format!("there is no {what} {package} in {channel} that you may see"))
    };
    // What cannot be listed either is not worth another failure.
    let known = packages(client, channel, kind).await.unwrap_or_default();
    if known.iter().any(|name| name.eq_ignore_ascii_case(package)) {
        return failed("file of the package").hint("the package is there, without files");
    }
    match nearest(package, &known)[..].join(", ") {
        near if near.is_empty() => {
            failed("package").hint(format!("`latchkey package list {channel}` shows what there is"))
        }
        near => failed("package").hint(format!("nearest: {near}")),
    }
}

/// Names of a channel's packages, as many as are looked through.
async fn packages(
    client: &Client,
    channel: &ChannelPath,
    kind: Option<PackageKind>,
) -> Result<Vec<String>, Failed> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let request = client.api(Method::GET, &["channels", channel.as_str(), "packages"]);
        let query = [("page_size", PAGE.to_string()), ("page_token", page_token)];
        let page = client.json(request.query(&query)).await?;
        let meant = list(&page, "packages").iter();
        let meant = meant.filter(|it| kind.is_none_or(|kind| text(it, "kind") == kind.as_str()));
        names.extend(meant.map(|package| text(package, "name")));
        page_token = text(&page, "next_page_token");
        if page_token.is_empty() {
            break;
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Those most like a word, the likest first.
fn nearest(word: &str, known: &[String]) -> Vec<String> {
    let word = word.to_lowercase();
    let score = |name: &String| {
        let name = name.to_lowercase();
        let is_part = name.contains(&word) || word.contains(&name);
        let alike = strsim::normalized_damerau_levenshtein(&word, &name);
        if is_part { alike.max(ALIKE) } else { alike }
    };
    let mut scored: Vec<_> = known.iter().map(|name| (score(name), name)).collect();
    scored.retain(|(score, _)| *score >= ALIKE);
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    scored.into_iter().take(NEAREST).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(word: &str, known: &[&str]) -> Vec<String> {
        nearest(word, &known.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_near_is_alike_or_holds_the_word_and_the_likest_comes_first() {
        assert_eq!(near("numpi", &["pandas", "numba", "numpy"]), ["numpy", "numba"]);
        assert_eq!(near("Torch", &["pytorch-lightning-bolts", "scipy"]), ["pytorch-lightning-bolts"]);
        assert_eq!(near("demo", &["zlib", "openssl"]), [""; 0]);
        assert_eq!(near("1.0", &["1.0.1", "1.1", "1.2", "1.3", "9"]).len(), NEAREST);
    }
}
