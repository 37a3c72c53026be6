//! Every address at which something of the world is looked at.

use crate::fact::{Channel, Facts, Kind, Package, Stored};

/// What stands at an address; numbers are places in the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// An index of files, as `repodata.json` and `run_exports.json` are.
    Files {
        label: Option<String>,
        subdir: &'static str,
    },
    /// The index of shards.
    Shards {
        label: Option<String>,
        subdir: &'static str,
    },
    Shard {
        package: usize,
        subdir: &'static str,
    },
    Channeldata {
        label: Option<String>,
    },
    Notices {
        label: Option<String>,
    },
    Projects {
        label: Option<String>,
    },
    Project {
        package: usize,
        label: Option<String>,
    },
    /// Bytes, by the route of the kind's own clients or by one of the two APIs.
    File {
        package: usize,
        file: usize,
        by: By,
    },
    Channel,
    Channels,
    Below,
    Packages,
    Package {
        package: usize,
    },
    Artifacts,
    ArtifactsNamed {
        package: usize,
    },
    ArtifactsLabelled {
        label: String,
    },
    Labels,
    Grants,
    PackageGrants {
        package: usize,
    },
    History,
    /// Of all channels or one, for a part of a name.
    Search {
        text: String,
        channel: Option<usize>,
    },
    Groups {
        organisation: usize,
    },
    Group {
        group: usize,
    },
    /// Anaconda Repository's.
    Owned,
    OwnedPackage {
        package: usize,
    },
    Release {
        package: usize,
        version: String,
    },
    Dist {
        package: usize,
        file: usize,
    },
    OwnedLabels,
    OwnedLabel {
        label: String,
    },
    OwnedSearch {
        text: String,
    },
    /// Anaconda Server's.
    ServerChannel,
    ServerChannels,
    ServerArtifacts,
    ServerArtifact {
        package: usize,
    },
    ServerFiles {
        package: usize,
    },
    ServerSearch,
}

/// Which interface is asked for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Client,
    /// The metadata beside a wheel.
    Metadata,
    Rest,
    Owned,
}

/// Who speaks there: decides how the token is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Conda,
    Python,
    Api,
    /// Anaconda Repository, some of whose addresses are Anaconda Server's too.
    Repository,
}

#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) family: Family,
    /// The channel that it names.
    pub(crate) channel: Option<usize>,
    pub(crate) what: What,
}

const SUBDIRS: [&str; 2] = ["noarch", "linux-64"];
const JSON: &str = "application/vnd.pypi.simple.v1+json";
const HTML: &str = "text/html";
/// Entries in one page: some lists are read in parts.
const FEW: &str = "page_size=7";
const ALL: &str = "page_size=1000";

/// A channel's name as one segment.
fn segment(channel: &Channel) -> String {
    channel.name.replace('/', "%2F")
}

/// Builds the addresses of one channel.
struct Room<'a> {
    facts: &'a Facts,
    at: usize,
    channel: &'a Channel,
    made: Vec<Address>,
}

impl<'a> Room<'a> {
    fn new(facts: &'a Facts, at: usize) -> Self {
        Self { facts, at, channel: &facts.channels[at], made: Vec::new() }
    }

    fn add(&mut self, family: Family, path: String, what: What) {
        self.made.push(Address { path, accept: "*/*", family, channel: Some(self.at), what });
    }

    fn conda(&mut self, path: &str, what: What) {
        self.add(Family::Conda, format!("/{}{path}", self.channel.name), what);
    }

    fn python(&mut self, path: &str, what: &What) {
        for accept in [JSON, HTML] {
            self.add(Family::Python, format!("/pypi/{}{path}", self.channel.name), what.clone());
            self.made.last_mut().expect("one was just added").accept = accept;
        }
    }

    fn rest(&mut self, path: &str, what: What) {
        self.add(Family::Api, format!("/api/v1/channels/{}{path}", segment(self.channel)), what);
    }

    fn owned(&mut self, before: &str, path: &str, what: What) {
        self.add(Family::Repository, format!("/api/{before}/{}{path}", segment(self.channel)), what);
    }

    fn server(&mut self, path: &str, what: What) {
        self.add(Family::Api, format!("/api/channels/{}{path}", segment(self.channel)), what);
    }

    fn indexes(&mut self, label: Option<&str>) {
        let below = label.map(|label| format!("/label/{label}")).unwrap_or_default();
        let label = label.map(str::to_owned);
        for subdir in SUBDIRS {
            for name in ["repodata.json", "repodata.json.zst", "run_exports.json", "run_exports.json.zst"] {
                let what = What::Files { label: label.clone(), subdir };
                self.conda(&format!("{below}/{subdir}/{name}"), what);
            }
            let what = What::Shards { label: label.clone(), subdir };
            self.conda(&format!("{below}/{subdir}/repodata_shards.msgpack.zst"), what);
        }
        self.conda(&format!("{below}/channeldata.json"), What::Channeldata { label: label.clone() });
        self.conda(&format!("{below}/notices.json"), What::Notices { label: label.clone() });
        self.python(&format!("{below}/simple/"), &What::Projects { label });
    }

    fn listings(&mut self) {
        let lists = [
            ("", What::Channel),
            ("/subchannels", What::Below),
            ("/packages?page_size=7", What::Packages),
            ("/artifacts?page_size=7", What::Artifacts),
            ("/labels", What::Labels),
            ("/grants", What::Grants),
            ("/history?page_size=1000", What::History),
        ];
        for (path, what) in lists {
            // Subchannels have no subchannels.
            if !(what == What::Below && self.channel.parent.is_some()) {
                self.rest(path, what);
            }
        }
        self.server("", What::ServerChannel);
        self.server("/artifacts", What::ServerArtifacts);
        self.owned("packages", "", What::Owned);
        self.owned("channels", "", What::OwnedLabels);
        let path = format!("/api/v1/search?q=zq&{ALL}&channel={}", segment(self.channel));
        self.add(Family::Api, path, What::Search { text: "zq".into(), channel: Some(self.at) });
    }

    fn labelled(&mut self, label: &str) {
        self.rest(&format!("/artifacts?label={label}"), What::ArtifactsLabelled { label: label.into() });
        self.owned("channels", &format!("/{label}"), What::OwnedLabel { label: label.into() });
    }

    fn package(&mut self, at: usize) {
        let package = &self.facts.packages[at];
        let (name, kind) = (&package.name, package.kind.word());
        self.rest(&format!("/packages/{kind}/{name}"), What::Package { package: at });
        self.rest(&format!("/packages/{kind}/{name}/grants"), What::PackageGrants { package: at });
        self.rest(&format!("/artifacts?name={name}&kind={kind}"), What::ArtifactsNamed { package: at });
        self.owned("package", &format!("/{name}"), What::OwnedPackage { package: at });
        let family = package.kind.family();
        self.server(&format!("/artifacts/{family}/{name}"), What::ServerArtifact { package: at });
        self.server(&format!("/artifacts/{family}/{name}/files"), What::ServerFiles { package: at });
        let path = format!("/api/v1/search?q={name}");
        self.add(Family::Api, path, What::Search { text: name.clone(), channel: None });
        if package.kind == Kind::Pypi {
            self.python(&format!("/simple/{name}/"), &What::Project { package: at, label: None });
        }
        for (number, file) in package.files.iter().enumerate() {
            self.file(at, package, (number, file));
        }
    }

    fn file(&mut self, at: usize, package: &Package, (number, file): (usize, &Stored)) {
        let (name, version, filename) = (&package.name, &file.version, &file.filename);
        let what = |by| What::File { package: at, file: number, by };
        let mut basename = filename.clone();
        match package.kind {
            Kind::Conda => {
                basename = format!("{}/{filename}", file.subdir);
                self.conda(&format!("/{basename}"), what(By::Client));
                self.rest(&format!("/artifacts/conda/{basename}"), what(By::Rest));
            }
            Kind::Pypi => {
                let path = format!("/pypi/{}/simple/{name}/{filename}", self.channel.name);
                self.add(Family::Python, path.clone(), what(By::Client));
                self.add(Family::Python, format!("{path}.metadata"), what(By::Metadata));
                self.rest(&format!("/artifacts/pypi/{filename}"), what(By::Rest));
            }
            Kind::Notebook | Kind::Environment | Kind::File => {
                let path = format!("/artifacts/{}/{name}/{version}/{filename}", package.kind.word());
                self.rest(&path, what(By::Rest));
            }
        }
        let path = format!("/{name}/{version}/{basename}");
        self.owned("download", &path, what(By::Owned));
        self.owned("dist", &path, What::Dist { package: at, file: number });
        let release = What::Release { package: at, version: version.clone() };
        self.owned("release", &format!("/{name}/{version}"), release);
    }
}

/// Those of a channel as a whole.
pub(crate) fn of_channel(facts: &Facts, at: usize) -> Vec<Address> {
    let mut room = Room::new(facts, at);
    room.indexes(None);
    room.listings();
    room.labelled("main");
    for label in facts.labels(at).iter().copied().chain(facts.channels[at].locked.iter().map(String::as_str))
    {
        if label != "main" {
            room.indexes(Some(label));
            room.labelled(label);
        }
    }
    room.made
}

/// Those of a package.
pub(crate) fn of_package(facts: &Facts, at: usize) -> Vec<Address> {
    let mut room = Room::new(facts, facts.packages[at].channel);
    room.package(at);
    room.made
}

/// Those that name no channel.
pub(crate) fn of_all(facts: &Facts) -> Vec<Address> {
    let page = |path: String, what| {
        let (family, channel) = (Family::Api, None);
        Address { path, accept: "*/*", family, channel, what }
    };
    let search = |channel| What::Search { text: "zq".into(), channel };
    let mut made = vec![
        page(format!("/api/v1/channels?{FEW}"), What::Channels),
        page(format!("/api/v1/search?q=zq&{FEW}"), search(None)),
        page("/api/search?name=zq".into(), What::OwnedSearch { text: "zq".into() }),
        page("/api/channels".into(), What::ServerChannels),
        page("/api/artifacts?q=zq".into(), What::ServerSearch),
    ];
    for at in facts.accounts_of(crate::fact::Sort::Organisation) {
        let path = format!("/api/v1/organisations/{}/groups", facts.accounts[at].login);
        made.push(page(path, What::Groups { organisation: at }));
    }
    for at in facts.live_groups() {
        let group = &facts.groups[at];
        let login = &facts.accounts[group.organisation].login;
        let path = format!("/api/v1/organisations/{login}/groups/{}", group.name);
        made.push(page(path, What::Group { group: at }));
    }
    made
}

/// A shard by its hash.
pub(crate) fn of_shard(facts: &Facts, at: usize, subdir: &'static str, hash: &str) -> Address {
    let mut room = Room::new(facts, facts.packages[at].channel);
    room.conda(&format!("/{subdir}/{hash}.msgpack.zst"), What::Shard { package: at, subdir });
    room.made.remove(0)
}

/// The index that names a channel's shards.
pub(crate) fn shards(facts: &Facts, at: usize) -> Vec<(&'static str, Address)> {
    let mut room = Room::new(facts, at);
    for subdir in SUBDIRS {
        let what = What::Shards { label: None, subdir };
        room.conda(&format!("/{subdir}/repodata_shards.msgpack.zst"), what);
    }
    SUBDIRS.into_iter().zip(room.made).collect()
}
