//! Uploads: each file is hashed, sent whole, and reported; a failure does not stop the files after it.

use std::path::{Path, PathBuf};

use clap::Args;
use futures::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use names::{ChannelPath, LabelName, PackageKind};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method, RequestBuilder, multipart};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{list, text};
use crate::verb::Context;

const CHUNK_BYTES: usize = 64 << 10;

/// `latchkey upload`
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub struct Upload {
    /// Into which channel [default: yours, see `latchkey channel default`], and what: .conda, .tar.bz2, .whl, a source
    /// archive .tar.gz, .ipynb, an environment .yml, or any file with --kind file
    #[arg(required = true, value_names = ["[CHANNEL] FILE"])]
    words: Vec<PathBuf>,
    /// Replace a file of the same name and other bytes (Python file names are never reused)
    #[arg(long)]
    force: bool,
    /// What to find the files under; may be said several times [default: main]
    #[arg(long)]
    label: Vec<LabelName>,
    /// What the files are, where their names do not tell: conda, pypi, notebook, environment or file
    #[arg(long)]
    kind: Option<PackageKind>,
    /// Which package a notebook or a plain file is of [default: a notebook's own name]
    #[arg(long)]
    package: Option<String>,
    /// Which version a notebook, an environment or a plain file is of [default: the time, but for plain files]
    #[arg(long)]
    version: Option<String>,
    /// Make a package that is new private from its first moment on
    #[arg(long, conflicts_with = "public")]
    private: bool,
    /// Make a package that is new as open as its channel, whatever the server's setting is
    #[arg(long)]
    public: bool,
}

/// What a file is, by its name alone; the server looks inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Conda,
    Wheel,
    SourceArchive,
    Plain(PackageKind),
}

impl Form {
    fn of(filename: &str) -> Option<Self> {
        let ends = |suffix| filename.len() > str::len(suffix) && filename.ends_with(suffix);
        match () {
            () if ends(".conda") || ends(".tar.bz2") => Some(Self::Conda),
            () if ends(".whl") => Some(Self::Wheel),
            () if ends(".tar.gz") || ends(".zip") => Some(Self::SourceArchive),
            () if ends(".ipynb") => Some(Self::Plain(PackageKind::Notebook)),
            () if ends(".yml") || ends(".yaml") => Some(Self::Plain(PackageKind::Environment)),
            () => None,
        }
    }

    /// The same for a kind that was said.
    fn said(kind: PackageKind, filename: &str) -> Option<Self> {
        match (kind, Self::of(filename)) {
            (PackageKind::Conda, Some(Self::Conda)) => Some(Self::Conda),
            (PackageKind::Pypi, Some(form @ (Self::Wheel | Self::SourceArchive))) => Some(form),
            (PackageKind::Conda | PackageKind::Pypi, _) => None,
            (PackageKind::Notebook | PackageKind::Environment | PackageKind::File, _) => {
                Some(Self::Plain(kind))
            }
        }
    }
}

impl Upload {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        let (channel, files) = split(&self.words, self.kind)?;
        let channel = match channel {
            Some(channel) => channel,
            None => default_channel(&client).await?,
        };
        let mut stored = Vec::new();
        let mut failures: Vec<(&PathBuf, Failed)> = Vec::new();
        for path in files {
            match self.one(context, &client, &channel, path).await {
                Ok(document) => {
                    report(context, &channel, &document);
                    stored.push(document);
                }
                Err(failed) => {
                    eprintln!("latchkey: {}: {failed}", path.display());
                    failures.push((path, failed));
                }
            }
        }
        let failed: Vec<Value> = failures
            .iter()
            .map(|(path, failed)| json!({ "file": path, "error": failed.document()["error"] }))
            .collect();
        context.output.document(&json!({ "stored": stored, "failed": failed }));
        match failures.into_iter().next() {
            None => Ok(()),
            // Said already, file by file: only the number is left to tell.
            Some((_, first)) => Err(Failed { message: String::new(), hint: None, ..first }),
        }
    }

    async fn one(
        &self,
        context: &Context,
        client: &Client,
        channel: &ChannelPath,
        path: &Path,
    ) -> Result<Value, Failed> {
        let filename = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| Failed::usage("it has no file name that can be sent"))?;
        let form = match self.kind {
            Some(kind) => Form::said(kind, filename),
            None => Form::of(filename),
        };
        let form = form.ok_or_else(|| {
            Failed::usage(
                "what is it? names end in .conda, .tar.bz2, .whl, .tar.gz, .zip, .ipynb or .yml; \
                 for any other file say --kind file --package NAME --version VERSION",
            )
        })?;
        let (size, sha256) = hash(path).await.map_err(|error| Failed::io("reading it", &error))?;
        let bar = bar(context, filename, size);
        let file = File::open(path).await.map_err(|error| Failed::io("opening it", &error))?;
        let sent = bar.clone();
        let chunks = ReaderStream::with_capacity(file, CHUNK_BYTES)
            .inspect_ok(move |chunk| sent.inc(chunk.len() as u64));
        let source = Source { filename, size, sha256: &sha256, body: Body::wrap_stream(chunks) };
        let request = match form {
            Form::Conda => self.conda(client, channel, source),
            Form::Wheel => python(client, channel, source, "bdist_wheel")?,
            Form::SourceArchive => python(client, channel, source, "sdist")?,
            Form::Plain(kind) => self.plain(client, channel, source, kind),
        };
        let labels: Vec<_> = self.label.iter().map(|label| ("label", label.as_str())).collect();
        let private = match (self.private, self.public) {
            (true, _) => Some(("private", "true")),
            (_, true) => Some(("private", "false")),
            (false, false) => None,
        };
        let response = client.send(request.query(&labels).query(private.as_slice())).await;
        bar.finish_and_clear();
        let response = response?;
        let pending = response
            .headers()
            .get("latchkey-pending")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = response.bytes().await.map_err(|error| client.unreachable(&error))?;
        let mut document = match serde_json::from_slice(&body) {
            Ok(document @ Value::Object(_)) => document,
            Ok(_) | Err(_) => json!({}),
        };
        document["file"] = json!(path);
        document["sha256"] = json!(sha256);
        if let Some(pending) = pending {
            document["pending"] = json!(pending);
        }
        Ok(document)
    }

    /// One request with the raw bytes; the subdir is read from the archive.
    fn conda(&self, client: &Client, channel: &ChannelPath, source: Source<'_>) -> RequestBuilder {
        client
            .request(Method::POST, &["api", "channels", channel.as_str(), "upload", source.filename])
            .query(&[("force", if self.force { "true" } else { "false" }), ("sha256", source.sha256)])
            .header(CONTENT_LENGTH, source.size)
            .body(source.body)
    }

    /// One request with the raw bytes; name and version are said where the file does not tell them.
    fn plain(
        &self,
        client: &Client,
        channel: &ChannelPath,
        source: Source<'_>,
        kind: PackageKind,
    ) -> RequestBuilder {
        let path = ["channels", channel.as_str(), "artifacts", kind.as_str(), source.filename];
        let mut query = vec![("force", if self.force { "true" } else { "false" }), ("sha256", source.sha256)];
        query.extend(self.package.as_deref().map(|name| ("name", name)));
        query.extend(self.version.as_deref().map(|version| ("version", version)));
        let request = client.api(Method::PUT, &path).query(&query);
        request.header(CONTENT_LENGTH, source.size).body(source.body)
    }
}

/// The form that twine sends; name and version are left to the archive, which alone is believed.
fn python(
    client: &Client,
    channel: &ChannelPath,
    source: Source<'_>,
    filetype: &str,
) -> Result<RequestBuilder, Failed> {
    let content = multipart::Part::stream_with_length(source.body, source.size)
        .file_name(source.filename.to_owned())
        .mime_str("application/octet-stream")
        .map_err(|error| Failed::new(Exit::Other, format!("the form cannot be made: {error}")))?;
    let form = multipart::Form::new()
        .text(":action", "file_upload")
        .text("protocol_version", "1")
        .text("filetype", filetype.to_owned())
        .text("sha256_digest", source.sha256.to_owned())
        .part("content", content);
    Ok(client.request(Method::POST, &["pypi", channel.as_str(), ""]).multipart(form))
}

/// The channel, where one is named, and the files. The first of several words names it unless it ends like a package.
fn split(words: &[PathBuf], kind: Option<PackageKind>) -> Result<(Option<ChannelPath>, &[PathBuf]), Failed> {
    let Some((first, rest)) = words.split_first() else { return Ok((None, words)) };
    let name = first.to_str().unwrap_or_default();
    let channel = ChannelPath::parse(name);
    if Form::of(name).is_some() {
        return Ok((None, words));
    }
    match (channel, rest) {
        (Ok(_), []) if kind.is_none() && !first.exists() => {
            Err(Failed::usage("name the files to upload, after the channel or without one"))
        }
        (Ok(_) | Err(_), []) => Ok((None, words)),
        (Ok(channel), rest) => Ok((Some(channel), rest)),
        (Err(_), _) if first.exists() => Ok((None, words)),
        (Err(reason), _) => Err(Failed::usage(reason)),
    }
}

/// Where uploads go that name no channel.
async fn default_channel(client: &Client) -> Result<ChannelPath, Failed> {
    let name = text(&client.get(&["whoami"]).await?, "default_channel");
    let channel = ChannelPath::parse(&name).map_err(|reason| Failed::new(Exit::Other, reason.to_string()))?;
    match client.get(&["channels", channel.as_str()]).await {
        Ok(_) => Ok(channel),
        Err(failed) if matches!(failed.exit, Exit::NotFound | Exit::Forbidden) => {
            let words = format!("no channel was named, and your default channel {channel} is not there");
            let hint = format!(
                "make it with `latchkey channel create {channel}`, or choose another with `latchkey channel default NAME`"
            );
            Err(Failed::new(Exit::NotFound, words).hint(hint))
        }
        Err(failed) => Err(failed),
    }
}

/// A file on its way.
struct Source<'a> {
    filename: &'a str,
    size: u64,
    sha256: &'a str,
    body: Body,
}

async fn hash(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path).await?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size = 0;
    loop {
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            return Ok((size, hex::encode(hasher.finalize())));
        }
        hasher.update(&chunk[..read]);
        size += read as u64;
    }
}

/// Shown on a terminal only; on anything else standard error stays free for errors.
fn bar(context: &Context, filename: &str, size: u64) -> ProgressBar {
    if context.output.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg}  {bar:32}  {bytes}/{total_bytes}  {bytes_per_sec}")
        .expect("the template is a constant, and right");
    ProgressBar::new(size).with_style(style).with_message(filename.to_owned())
}

fn report(context: &Context, channel: &ChannelPath, document: &Value) {
    let place = match text(document, "subdir") {
        subdir if subdir.is_empty() => text(document, "filename"),
        subdir => format!("{subdir}/{}", text(document, "filename")),
    };
    let was_there = document.get("created") == Some(&Value::Bool(false));
    let what = if was_there { "was there already" } else { "stored" };
    let output = context.output;
    output.line(format!(
        "{what}: {channel} {place} ({} bytes, sha256 {})",
        text(document, "size_bytes"),
        text(document, "sha256")
    ));
    for warning in list(document, "warnings").iter().filter_map(Value::as_str) {
        output.line(format!("  warning: {warning}"));
    }
    if document.get("pending").is_some() {
        output.line(format!(
            "  stored for good, but not yet in every index (sequence {}): it shows within moments",
            text(document, "pending"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_of(words: &[&str], kind: Option<PackageKind>) -> Option<(Option<String>, usize)> {
        let words: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
        split(&words, kind).ok().map(|(channel, files)| (channel.map(|it| it.to_string()), files.len()))
    }

    #[test]
    fn the_first_word_is_a_channel_unless_it_ends_like_a_package() {
        let acme = |count| Some((Some("acme".to_owned()), count));
        assert_eq!(split_of(&["acme", "a-1-0.conda", "b.whl"], None), acme(2));
        assert_eq!(split_of(&["acme/dev", "a.yml"], None), Some((Some("acme/dev".to_owned()), 1)));
        assert_eq!(split_of(&["a-1-0.conda"], None), Some((None, 1)));
        assert_eq!(split_of(&["a-1-0.conda", "dist/b.whl"], None), Some((None, 2)));
        assert_eq!(split_of(&["data.bin"], Some(PackageKind::File)), Some((None, 1)));
        assert_eq!(split_of(&["acme"], None), None, "no file is named");
        assert_eq!(split_of(&["Acme", "a.conda"], None), None, "it is no channel's name");
    }

    #[test]
    fn a_file_is_known_by_the_end_of_its_name() {
        assert_eq!(Form::of("a-1-0.conda"), Some(Form::Conda));
        assert_eq!(Form::of("a-1-0.tar.bz2"), Some(Form::Conda));
        assert_eq!(Form::of("a-1-py3-none-any.whl"), Some(Form::Wheel));
        assert_eq!(Form::of("a-1.tar.gz"), Some(Form::SourceArchive));
        assert_eq!(Form::of(".conda"), None);
        assert_eq!(Form::of("a.txt"), None);
    }
}
