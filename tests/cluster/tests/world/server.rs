//! What the rules say that a viewer is shown at the addresses of Anaconda Server's interface.

use crate::address::What;
use crate::expect::{Expected, Look, listed};
use crate::fact::{Facts, Package};
use crate::rule::Deed;

impl Look<'_> {
    /// Anaconda Server's interface.
    pub(crate) fn server(&self, what: &What) -> Result<Expected, u16> {
        let facts = self.facts;
        if let What::ServerArtifact { package } | What::ServerFiles { package } = what {
            self.enter(Deed::List)?;
            let package = self.package(Deed::List, *package).map_err(|_| 404_u16)?;
            if let What::ServerFiles { .. } = what {
                return Ok(Expected::lines(package.files.iter().map(|file| listed((package, file)))));
            }
            return Ok(Expected::lines([facts.server_line(package)]));
        }
        let shown = |at: usize| facts.door(self.viewer, Deed::ShowChannel, Some(at)).is_ok();
        let inside = |at: usize, deed: Deed| {
            facts.inside(at).filter(move |package| facts.sees(self.viewer, deed, package))
        };
        let line = |at: usize| {
            let channel = &facts.channels[at];
            format!("{} {} {}", channel.name, channel.privacy.word(), inside(at, Deed::List).count())
        };
        match what {
            What::ServerChannel => Ok(Expected::lines([line(self.enter(Deed::ShowChannel)?)])),
            What::ServerArtifacts => {
                let at = self.enter(Deed::List)?;
                Ok(Expected::lines(inside(at, Deed::List).map(|package| facts.server_line(package))))
            }
            _ if facts.is_dead(self.viewer) => Err(401),
            What::ServerChannels => {
                // A subchannel stands below its channel, and here where that one is hidden.
                let top = |at: &usize| facts.channels[*at].parent.is_none_or(|above| !shown(above));
                let listed = facts.live_channels().into_iter().filter(|at| shown(*at)).filter(top);
                Ok(Expected::lines(listed.map(line)))
            }
            _ => {
                let open = facts.live_channels().into_iter();
                let open = open.filter(|at| facts.door(self.viewer, Deed::List, Some(*at)).is_ok());
                let packages = open.flat_map(|at| inside(at, Deed::List));
                Ok(Expected::lines(packages.map(|package| facts.server_line(package))))
            }
        }
    }
}

impl Facts {
    fn server_line(&self, package: &Package) -> String {
        let channel = &self.channels[package.channel].name;
        format!("{channel} {} {} {}", package.kind.family(), package.name, package.files.len())
    }
}
