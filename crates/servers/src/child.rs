//! One child process: dies with its parent, is reaped, and can be waited for.
//!
//! The kernel sends the parent-death signal when the *thread* that spawned the child ends, so all
//! children are spawned by one thread that never does.

use std::{
    fs::File,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, LazyLock, Mutex, mpsc},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use tokio::sync::watch;

/// How long a server may take to stop when it is asked to; then it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

type Spawn = Box<dyn FnOnce() + Send>;

static SPAWNER: LazyLock<mpsc::Sender<Spawn>> = LazyLock::new(|| {
    let (jobs, inbox) = mpsc::channel::<Spawn>();
    thread::Builder::new()
        .name("children".into())
        .spawn(move || inbox.into_iter().for_each(|job| job()))
        .expect("a thread can be started");
    jobs
});

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exited(ExitStatus);

impl Exited {
    /// True if it ended by itself and content.
    pub fn is_success(&self) -> bool {
        self.0.success()
    }
}

impl std::fmt::Display for Exited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(f, "ended with code {code}"),
            (None, Some(signal)) => write!(f, "was ended by signal {signal}"),
            (None, None) => f.write_str("ended"),
        }
    }
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    /// Locked while the child is reaped or signalled, so that no signal goes to a reused pid.
    ended: Arc<Mutex<bool>>,
    exit: watch::Receiver<Option<Exited>>,
}

impl Child {
    /// Starts a command that is already wrapped in [`with_parent`].
    pub fn spawn(mut command: Command, log: &std::path::Path) -> anyhow::Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // Ctrl-C at a terminal reaches the parent alone, which stops its children when it needs them no more.
        command.process_group(0);
        let (reply, answer) = mpsc::channel();
        let spawn = move || {
            // The receiver waits right below.
            reply.send((command.spawn(), command)).ok();
        };
        SPAWNER.send(Box::new(spawn)).expect("the spawning thread never ends");
        let (spawned, command) = answer.recv().expect("the spawning thread never ends");
        let child = spawned.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("the kernel's pids are i32"));
        let ended = Arc::new(Mutex::new(false));
        let (done, exit) = watch::channel(None);
        let reaper = ended.clone();
        thread::Builder::new().name("reaper".into()).spawn(move || reap(child, &reaper, &done))?;
        Ok(Self { pid, ended, exit })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    fn signal(&self, signal: Signal) {
        let ended = self.ended.lock().expect("no holder of this lock panics");
        if !*ended {
            // It fails only if the child is gone.
            kill(self.pid, signal).ok();
        }
    }

    /// Returns how the child ended, when it has.
    pub async fn exited(&self) -> Exited {
        let mut exit = self.exit.clone();
        let exited = exit.wait_for(Option::is_some).await.expect("the reaper tells before it ends");
        exited.clone().expect("the condition was that it is there")
    }

    /// How the child ended, if it has.
    pub fn has_exited(&self) -> Option<Exited> {
        self.exit.borrow().clone()
    }

    /// Asks the child to end, and insists after a while.
    pub async fn stop(&self, signal: Signal) {
        self.signal(signal);
        if tokio::time::timeout(STOP_LIMIT, self.exited()).await.is_err() {
            self.kill9().await;
        }
    }

    /// Asks the child to end as an orchestrator does, and insists after a while.
    pub async fn terminate(&self) {
        self.stop(Signal::SIGTERM).await;
    }

    /// Kills the child and waits until it is gone.
    pub async fn kill9(&self) {
        self.signal(Signal::SIGKILL);
        self.exited().await;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

fn reap(mut child: std::process::Child, ended: &Mutex<bool>, done: &watch::Sender<Option<Exited>>) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("the kernel's pids are i32"));
    // Left as a zombie until the lock is held: its pid stays taken.
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::Error::EINTR) {}
    let mut ended = ended.lock().expect("no holder of this lock panics");
    *ended = true;
    let status = child.wait().expect("the child is there to be reaped");
    done.send_replace(Some(Exited(status)));
}

/// A command that is killed when this process ends, however it ends.
pub fn with_parent(program: &std::path::Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}
