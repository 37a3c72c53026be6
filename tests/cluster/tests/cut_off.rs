//! A gateway that does not reach auth any more: how long it goes on, what others are told about it, and that it comes back
//! by itself.

#[path = "cut_off/asking.rs"]
mod asking;
#[path = "cut_off/behind.rs"]
mod behind;

use std::time::Duration;

use asking::{Asked, Asking, last_good, statuses};
use runtime::{Clock as _, SystemClock};
use serde_json::{Value, json};
use testkit::package::Conda;
use testkit::{Cluster, Line, Options, Part, Place, Session, Size, is_long};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

/// Who is cut off, and its name in receipts.
const CUT: Place = Part::Gateway.at(0);
const CUT_NAME: &str = "gateway-1";

const PRIVATE: &str = "/closed/noarch/repodata.json";
const PUBLIC: &str = "/open/noarch/tool-1.0-0.conda";

/// D and P. Shorter ones than an operator gets unasked make the same waits shorter.
fn lengths() -> (u16, u32) {
    if is_long() { (15, 45) } else { (3, 9) }
}

/// What was asked for at the gateway that is cut off.
struct Seen {
    cut: Instant,
    private: Vec<Asked>,
    public: Vec<Asked>,
}

struct Stage {
    cluster: Cluster,
    lease: Duration,
    public: Duration,
    /// Through a gateway that nothing befalls.
    admin: Session,
    /// Through the one that is cut off.
    reader: Session,
    reader_id: String,
}

impl Stage {
    async fn set() -> anyhow::Result<Self> {
        let (lease_s, public_s) = lengths();
        let cluster = Cluster::start(Options {
            separate_processes: true,
            size: Size { auth: 2, gateway: 2, ..Size::default() },
            lease_s: Some(lease_s),
            public_s: Some(public_s),
            lines: vec![(CUT, Part::Auth)],
            ..Options::default()
        })
        .await?;
        let admin = Session::new(&cluster.gateways()[1], Some(cluster.admin().token()));
        for (channel, privacy) in [("open", "public"), ("closed", "private")] {
            admin.create_channel(channel, privacy).await?;
            admin.upload(channel, &Conda::new("tool", "1.0").conda()).await?.good()?;
        }
        let issued = admin.issue_token("reader", &[("closed", "read")]).await?;
        let reader = Session::new(&cluster.gateways()[0], Some(&issued.token));
        let (lease, public) = (Duration::from_secs(lease_s.into()), Duration::from_secs(public_s.into()));
        Ok(Self { cluster, lease, public, admin, reader, reader_id: issued.id })
    }

    fn line(&self, line: Line) -> anyhow::Result<()> {
        self.cluster.set_line(CUT, Part::Auth, line)
    }

    /// Cuts the gateway off until it shows nothing any more.
    async fn cut_until_silent(&self) -> anyhow::Result<Seen> {
        let mut private = Asking::start(&self.reader, PRIVATE);
        let mut public = Asking::start(&self.reader.nobody(), PUBLIC);
        private.until(200).await?;
        public.until(200).await?;
        self.line(Line::Silent)?;
        let cut = Instant::now();
        private.until(503).await?;
        public.until(503).await?;
        Ok(Seen { cut, private: private.stop().await?, public: public.stop().await? })
    }

    /// Mends the line and waits until this is answered so; nothing else but "not now" comes before.
    async fn back(&self, caller: &Session, path: &'static str, status: u16) -> anyhow::Result<()> {
        let mut asking = Asking::start(caller, path);
        self.line(Line::Open)?;
        asking.until(status).await?;
        let all = statuses(&asking.stop().await?);
        assert!(all.iter().all(|seen| [503, status].contains(seen)), "{path}: {all:?}");
        Ok(())
    }
}

fn names(of: &Value) -> Vec<&str> {
    of.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn confirmed(receipt: &Value) -> Vec<&str> {
    let by = receipt["confirmed"].as_array().into_iter().flatten();
    by.filter_map(|one| one["gateway"].as_str()).collect()
}

fn effective_by(receipt: &Value) -> anyhow::Result<OffsetDateTime> {
    Ok(OffsetDateTime::parse(receipt["effective_by"].as_str().unwrap_or_default(), &Rfc3339)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_cut_off_from_auth_shows_things_for_as_long_as_it_is_said() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    what_is_private_ends_with_the_lease(&stage).await?;
    what_is_made_private_is_hidden_when_the_receipt_says(&stage).await?;
    a_revocation_that_is_asked_for_again_tells_the_truth(&stage).await?;
    stage.cluster.stop().await
}

async fn what_is_private_ends_with_the_lease(stage: &Stage) -> anyhow::Result<()> {
    let Seen { cut, private, public } = stage.cut_until_silent().await?;
    for (what, all, limit) in [("private", &private, stage.lease), ("public", &public, stage.public)] {
        let last = last_good(all).expect("it was asked before").sent;
        println!("{what} was shown for {:?} of {limit:?}; {} asked", last - cut, all.len());
        assert!(last > cut && last < cut + limit, "{what} is shown for {:?} of {limit:?}", last - cut);
        assert_eq!(statuses(all), [200, 503], "{what}");
    }
    let last = last_good(&public).expect("it was asked before").sent;
    assert!(last > cut + stage.lease, "what is public is shown for longer: {:?}", last - cut);
    let refused = stage.reader.get(PRIVATE).await?;
    assert!(refused.status == 503 && refused.headers.contains_key("retry-after"), "{refused:?}");

    stage.back(&stage.reader, PRIVATE, 200).await?;
    stage.back(&stage.reader.nobody(), PUBLIC, 200).await
}

async fn what_is_made_private_is_hidden_when_the_receipt_says(stage: &Stage) -> anyhow::Result<()> {
    let mut public = Asking::start(&stage.reader.nobody(), PUBLIC);
    public.until(200).await?;
    stage.line(Line::Silent)?;
    let path = "/api/v1/channels/open";
    let body = json!({ "privacy": "private" });
    let request = stage.admin.request(reqwest::Method::PATCH, path).json(&body);
    let made = stage.admin.send(request).await?.good()?.json();
    let (returned, receipt) = (SystemClock.now(), &made["receipt"]);
    assert_eq!(names(&receipt["lapsed"]), [CUT_NAME], "{made}");
    assert!(!confirmed(receipt).contains(&CUT_NAME) && confirmed(receipt).contains(&"gateway-2"), "{made}");
    let effective_by = effective_by(receipt)?;
    public.until(503).await?;
    public.until_after(effective_by).await?;
    let asked = public.stop().await?;
    let last = last_good(&asked).expect("it was asked before").sent_at;
    println!("shown until {last}, the receipt of {returned} says {effective_by}");
    assert!(last < effective_by, "shown at {last}, the receipt says {effective_by}");
    assert!(last > returned, "the receipt would not need to name a time");
    // Clocks may be wrong by a little, and what is written is rounded up.
    assert!(effective_by < returned + stage.public + Duration::from_secs(2), "{returned} {effective_by}");
    assert_eq!(statuses(&asked), [200, 503]);

    stage.back(&stage.reader.nobody(), PUBLIC, 401).await
}

async fn a_revocation_that_is_asked_for_again_tells_the_truth(stage: &Stage) -> anyhow::Result<()> {
    let Stage { admin, reader, lease, .. } = stage;
    let token = format!("/api/v1/tokens/{}", stage.reader_id);
    let mut asking = Asking::start(reader, PRIVATE);
    asking.until(200).await?;
    stage.line(Line::Silent)?;

    let recorded = admin.request(reqwest::Method::DELETE, &token).header("latchkey-wait", "committed");
    let recorded = admin.send(recorded).await?.good()?.json();
    let now = SystemClock.now();
    assert!(names(&recorded["receipt"]["silent"]).contains(&CUT_NAME), "{recorded}");
    let by = effective_by(&recorded["receipt"])?;
    assert!(by > now && by < now + *lease + Duration::from_secs(2), "{recorded}");
    // It is true: whoever is named lets the token in.
    asking.until(200).await?;

    let again = admin.delete(&token).await?.good()?.json();
    let returned = Instant::now();
    assert_eq!(names(&again["receipt"]["lapsed"]), [CUT_NAME], "{again}");
    assert_eq!((names(&again["receipt"]["silent"]), &again["receipt"]["effective_by"]), (vec![], &json!("")));
    assert!(!confirmed(&again["receipt"]).contains(&CUT_NAME), "{again}");
    asking.until(503).await?;
    asking.until(503).await?;
    let asked = asking.stop().await?;
    let last = last_good(&asked).expect("it was asked before");
    assert!(last.sent < returned, "let in {:?} after the receipt", last.sent - returned);
    assert!(asked.iter().any(|asked| asked.sent > returned));

    stage.back(reader, PRIVATE, 401).await?;
    let last = admin.delete(&token).await?.good()?.json();
    assert!(confirmed(&last["receipt"]).contains(&CUT_NAME), "{last}");
    assert_eq!((names(&last["receipt"]["lapsed"]), names(&last["receipt"]["silent"])), (vec![], vec![]));
    Ok(())
}
