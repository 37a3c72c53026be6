//! Downloads of a package's files: each is checked against the digest that the server lists.

use std::path::{Path, PathBuf};

use clap::Args;
use futures::TryStreamExt as _;
use names::ChannelPath;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::text;
use crate::verb::Context;
use crate::verb::spec::{Narrow, Spec, Wanted, found};

/// `latchkey download`
#[derive(Debug, Args)]
pub struct Download {
    /// What: CHANNEL/PACKAGE[/VERSION[/FILE]], CHANNEL/SUBCHANNEL::PACKAGE…, or a channel with the package beside it
    #[arg(value_name = "SPEC")]
    from: Spec,
    /// Which package of the channel: PACKAGE[/VERSION[/FILE]]
    package: Option<Wanted>,
    /// Only this version
    #[arg(long)]
    version: Option<String>,
    #[command(flatten)]
    narrow: Narrow,
    /// Into which folder
    #[arg(long, short, default_value = ".")]
    output: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

impl Download {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        let spec = self.spec()?;
        let files = found::files(&client, std::slice::from_ref(&spec), &self.narrow).await?;
        let mut saved = Vec::new();
        for file in &files {
            let path = self.one(&client, &spec.channel, file).await?;
            context.output.line(format!("saved {} ({} bytes)", path.display(), text(file, "size_bytes")));
            saved.push(json!({ "file": path, "sha256": file["sha256"] }));
        }
        context.output.document(&json!({ "saved": saved }));
        Ok(())
    }

    /// What is meant, said in one of the two ways.
    fn spec(&self) -> Result<Spec, Failed> {
        let wanted = match (&self.from.wanted, &self.package) {
            (Some(_), Some(_)) => {
                return Err(Failed::usage(
                    "the package is named twice: write CHANNEL/PACKAGE, or CHANNEL PACKAGE",
                ));
            }
            (said, beside) => said.as_ref().or(beside.as_ref()),
        };
        let wanted = wanted.cloned().map(|wanted| wanted.of_version(self.version.as_deref())).transpose()?;
        if wanted.is_none() && self.version.is_some() {
            return Err(Failed::usage("say of which package: CHANNEL/PACKAGE"));
        }
        Ok(Spec { channel: self.from.channel.clone(), wanted })
    }

    async fn one(&self, client: &Client, channel: &ChannelPath, file: &Value) -> Result<PathBuf, Failed> {
        let (kind, subdir, filename) = (text(file, "kind"), text(file, "subdir"), text(file, "filename"));
        let segments = ["channels", channel.as_str(), "artifacts", kind.as_str()];
        let places = subdir.split('/').filter(|part| !part.is_empty());
        let path: Vec<&str> = segments.into_iter().chain(places).chain([filename.as_str()]).collect();
        // conda files of one name stand in many subdirs.
        let folder = if kind == "conda" { self.output.join(&subdir) } else { self.output.clone() };
        let target = folder.join(Path::new(&filename).file_name().ok_or_else(|| {
            Failed::new(Exit::Other, format!("the server lists a file called {filename:?}, which is no name"))
        })?);
        if target.exists() && !self.force {
            return Err(Failed::new(Exit::Conflict, format!("{} is there already", target.display()))
                .hint("say --force to replace it"));
        }
        let io = |what: &str, error: &std::io::Error| Failed::io(what, error);
        tokio::fs::create_dir_all(&folder).await.map_err(|error| io("making the folder", &error))?;
        let response = client.send(client.api(Method::GET, &path)).await?;
        // Under its own name only when it is whole.
        let partial = target.with_file_name(format!(".{filename}.partial"));
        let found = save(client, response, &partial).await;
        let whole = found.and_then(|found| match found == text(file, "sha256") {
            true => Ok(()),
            false => Err(Failed::new(Exit::Other, format!("{filename} arrived damaged: try again"))),
        });
        if let Err(failed) = whole {
            tokio::fs::remove_file(&partial).await.ok();
            return Err(failed);
        }
        tokio::fs::rename(&partial, &target).await.map_err(|error| io("saving it", &error))?;
        Ok(target)
    }
}

async fn save(client: &Client, response: reqwest::Response, path: &Path) -> Result<String, Failed> {
    let mut file = tokio::fs::File::create(path).await.map_err(|error| Failed::io("creating it", &error))?;
    let mut hasher = Sha256::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| client.unreachable(&error))? {
        hasher.update(&chunk);
        file.write_all(&chunk).await.map_err(|error| Failed::io("writing it", &error))?;
    }
    file.flush().await.map_err(|error| Failed::io("writing it", &error))?;
    Ok(hex::encode(hasher.finalize()))
}
