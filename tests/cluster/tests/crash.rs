//! kill -9 of every part in turn under uploads and token issues: what was acknowledged is there afterwards, and what
//! was not is there wholly or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::package::Conda;
use testkit::{Cluster, Options, Part, Session};
use tokio::sync::watch;

const PARTS: [Part; 6] =
    [Part::Nats, Part::Postgres, Part::Auth, Part::Catalog, Part::Projector, Part::Gateway];

/// Uploads and token issues, each; the long run is what the acceptance asks for.
fn rounds() -> usize {
    if testkit::is_long() { 500 } else { 72 }
}

/// One deed and what its caller knows of it.
struct Deed {
    number: usize,
    /// The token's string, or nothing to keep.
    acknowledged: Option<String>,
}

/// Shared by the writers and by whoever kills.
#[derive(Clone)]
struct Progress {
    next: Arc<AtomicUsize>,
    done: watch::Sender<usize>,
    /// Writers do not burn their rounds against a part that is known to be down.
    whole: watch::Receiver<bool>,
}

fn package(number: usize) -> Conda {
    // A few names with many versions, so that uploads race on one subject as well as beside each other.
    Conda::new(&format!("pkg{}", number % 5), &format!("1.{number}"))
}

async fn write(session: Session, progress: Progress) -> (Vec<Deed>, Vec<Deed>) {
    let (mut uploads, mut tokens) = (Vec::new(), Vec::new());
    let mut whole = progress.whole.clone();
    loop {
        let number = progress.next.fetch_add(1, Ordering::Relaxed);
        if number >= rounds() {
            return (uploads, tokens);
        }
        whole.wait_for(|whole| *whole).await.expect("the sender outlives the writers");
        let upload = session.upload("acme", &package(number).conda()).await;
        let stored = upload.is_ok_and(|answer| answer.is_success());
        uploads.push(Deed { number, acknowledged: stored.then(String::new) });
        let issued = session.issue_token(&format!("token {number}"), &[("acme", "read")]).await;
        tokens.push(Deed { number, acknowledged: issued.ok().map(|issued| issued.token) });
        progress.done.send_modify(|done| *done += 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_parts_are_killed() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(Options { separate_processes: true, ..Options::default() }).await?;
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;

    let (whole_now, whole) = watch::channel(true);
    let (done, mut seen) = watch::channel(0);
    let progress = Progress { next: Arc::default(), done, whole };
    let writers: Vec<_> = (0..4).map(|_| tokio::spawn(write(ada.clone(), progress.clone()))).collect();
    drop(progress);
    for (turn, part) in PARTS.into_iter().enumerate() {
        let due = rounds() * (turn + 1) / (PARTS.len() + 1);
        // An error says that the writers are through already. What is returned holds the lock that they write under.
        drop(seen.wait_for(|done| *done >= due).await);
        cluster.kill9(part).await?;
        whole_now.send_replace(false);
        cluster.restart(part).await?;
        whole_now.send_replace(true);
    }
    let (mut uploads, mut tokens) = (Vec::new(), Vec::new());
    for writer in writers {
        let (more_uploads, more_tokens) = writer.await?;
        uploads.extend(more_uploads);
        tokens.extend(more_tokens);
    }
    let acknowledged = |deeds: &[Deed]| deeds.iter().filter(|deed| deed.acknowledged.is_some()).count();
    assert!(acknowledged(&uploads) > rounds() / 2, "{} of {} uploads", acknowledged(&uploads), rounds());
    assert!(acknowledged(&tokens) > rounds() / 2, "{} of {} tokens", acknowledged(&tokens), rounds());

    cluster.caught_up(&ada, "acme").await?;
    uploads_are_whole_or_absent(&ada, &uploads).await?;
    tokens_are_whole_or_absent(&ada, &tokens).await?;
    cluster.verify().await?;
    cluster.stop().await
}

async fn uploads_are_whole_or_absent(ada: &Session, uploads: &[Deed]) -> anyhow::Result<()> {
    let repodata = ada.get("/acme/noarch/repodata.json").await?.good()?.json();
    for deed in uploads {
        let file = package(deed.number).conda();
        let listed = repodata["packages.conda"][&file.name].is_object();
        assert!(listed || deed.acknowledged.is_none(), "{} was acknowledged and is lost", file.name);
        let got = ada.get(&format!("/acme/noarch/{}", file.name)).await?;
        if listed {
            assert_eq!(got.status, 200, "{} is listed but not served", file.name);
            assert!(got.body == file.bytes, "{} has other bytes", file.name);
            // Recorded in the log as well: the same bytes again are no news.
            let again = ada.upload("acme", &file).await?;
            assert!(again.is_success(), "{} again: {}", file.name, again.text());
        } else {
            assert_eq!(got.status, 404, "{} is served but not listed", file.name);
            ada.upload("acme", &file).await?.good()?;
        }
    }
    Ok(())
}

async fn tokens_are_whole_or_absent(ada: &Session, tokens: &[Deed]) -> anyhow::Result<()> {
    for deed in tokens {
        let name = format!("token {}", deed.number);
        let again = ada.issue_token(&name, &[("acme", "read")]).await;
        match &deed.acknowledged {
            Some(token) => {
                let answer = ada.with(token).get("/acme/noarch/repodata.json").await?;
                assert_eq!(
                    answer.status,
                    200,
                    "{name} was acknowledged and does not open: {}",
                    answer.text()
                );
                assert!(again.is_err(), "{name} was acknowledged and its name is free");
            }
            // Its string is lost with the answer: all that can be seen is that the name is taken by a token that
            // can be shown and revoked, or free.
            None => match again {
                Ok(_) => {}
                Err(_) => {
                    let path = format!("/api/v1/tokens/{}", name.replace(' ', "%20"));
                    ada.get(&path).await?.good()?;
                    ada.delete(&path).await?.good()?;
                }
            },
        }
    }
    Ok(())
}
