//! Readers that never pause, and what they must never see.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use testkit::{Answer, Session};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What begins every name that must not be seen.
const HIDDEN: &[u8] = b"zqh";

/// Each index that shows what a kind holds.
pub(crate) fn seen_in(kind: &str) -> &'static [&'static str] {
    match kind {
        "conda" => &[
            "/lab/noarch/repodata.json",
            "/lab/noarch/repodata.json.zst",
            "/lab/noarch/repodata_shards.msgpack.zst",
            "/lab/noarch/run_exports.json",
            "/lab/channeldata.json",
            "/lab/label/main/noarch/repodata.json",
            "/api/v1/channels/lab/packages?page_size=1000",
        ],
        "pypi" => &["/pypi/lab/simple/", "/pypi/lab/", "/api/v1/channels/lab/artifacts?page_size=1000"],
        _ => &[
            "/api/v1/channels/lab/packages?page_size=1000",
            "/api/v1/channels/lab/artifacts?page_size=1000",
            "/api/v1/search?q=zq&page_size=1000",
            "/api/packages/lab",
            "/api/search?name=zq",
            "/api/channels/lab/main",
        ],
    }
}

/// Whether a name stands in a body, packed or not.
pub(crate) fn named(body: &[u8], name: &str) -> bool {
    contains(&unpacked(body), name.as_bytes())
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    zstd::decode_all(body).unwrap_or_else(|_| body.to_vec())
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// What is being uploaded.
#[derive(Debug, Default)]
pub(crate) struct Current(Mutex<Option<(&'static str, String)>>);

impl Current {
    pub(crate) fn is(&self, kind: &'static str, name: &str) {
        *self.0.lock().expect("nobody panics with it") = Some((kind, name.to_owned()));
    }

    /// Where it would be found by its name.
    fn addresses(&self) -> Vec<String> {
        let Some((kind, name)) = self.0.lock().expect("nobody panics with it").clone() else { return vec![] };
        let mut addresses = vec![
            format!("/api/v1/channels/lab/packages/{kind}/{name}"),
            format!("/api/package/lab/{name}"),
            format!("/api/release/lab/{name}/1.0"),
        ];
        match kind {
            "conda" => {
                let file = format!("noarch/{name}-1.0-0.conda");
                addresses.extend([format!("/lab/{file}"), format!("/api/download/lab/{name}/1.0/{file}")]);
            }
            "pypi" => {
                let page = format!("/pypi/lab/simple/{name}/");
                addresses.extend([format!("{page}{name}-1.0-py3-none-any.whl"), page]);
            }
            _ => addresses.push(format!("/api/v1/channels/lab/artifacts/notebook/{name}/1.0/{name}.ipynb")),
        }
        addresses
    }
}

/// All that read at the same time.
pub(crate) struct Readers {
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    reads: AtomicU64,
    /// Rounds of all readers together.
    rounds: AtomicU64,
    round: Notify,
    current: Arc<Current>,
}

impl Readers {
    pub(crate) fn start(viewers: Vec<Session>, current: Arc<Current>) -> Self {
        let shared = Arc::new(Shared { current, ..Shared::default() });
        let task = |viewer: Session| tokio::spawn(read(viewer, shared.clone()));
        Self { tasks: viewers.into_iter().map(task).collect(), shared: shared.clone() }
    }

    /// Waits until as many rounds of reading have ended as there are readers.
    pub(crate) async fn all_around(&self) {
        let wanted = self.shared.rounds.load(SeqCst) + self.tasks.len() as u64;
        loop {
            let next = self.shared.round.notified();
            // A reader that has failed makes no more rounds: stopping tells why.
            let ended = self.tasks.iter().any(JoinHandle::is_finished);
            if ended || self.shared.rounds.load(SeqCst) >= wanted {
                return;
            }
            next.await;
        }
    }

    /// How many reads there were; an error is what one of them saw.
    pub(crate) async fn stop(self) -> anyhow::Result<u64> {
        self.shared.over.store(true, SeqCst);
        for task in self.tasks {
            task.await??;
        }
        Ok(self.shared.reads.load(SeqCst))
    }
}

async fn read(viewer: Session, shared: Arc<Shared>) -> anyhow::Result<()> {
    let result = rounds(&viewer, &shared).await;
    shared.round.notify_waiters();
    result
}

async fn rounds(viewer: &Session, shared: &Shared) -> anyhow::Result<()> {
    let indexes = ["conda", "pypi", "notebook"].map(seen_in).concat();
    while !shared.over.load(SeqCst) {
        for path in &indexes {
            let answer = viewer.get(path).await?;
            shared.reads.fetch_add(1, SeqCst);
            let shows = contains(&unpacked(&answer.body), HIDDEN);
            anyhow::ensure!(answer.is_success() && !shows, "{path}: {} {}", answer.status, answer.text());
            for path in shared.current.addresses() {
                let answer = viewer.get(&path).await?;
                shared.reads.fetch_add(1, SeqCst);
                absent(&path, &answer)?;
            }
        }
        shared.rounds.fetch_add(1, SeqCst);
        shared.round.notify_waiters();
    }
    Ok(())
}

fn absent(path: &str, answer: &Answer) -> anyhow::Result<()> {
    anyhow::ensure!(answer.status == 404, "{path}: {} {}", answer.status, answer.text());
    Ok(())
}
