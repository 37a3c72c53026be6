//! What a Cargo.toml says about dependencies, as far as rules need it. It reads the plain tables this
//! workspace writes and not all of TOML.

/// One package's dependencies.
#[derive(Debug, Default)]
pub struct Manifest {
    /// What it is built with.
    pub dependencies: Vec<Dependency>,
    /// What only its tests use.
    pub dev: Vec<Dependency>,
}

/// One line of a dependency table.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// The features asked for.
    pub features: Vec<String>,
}

impl Manifest {
    /// Reads the dependency tables.
    pub fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut table = "";
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                table = name;
                // `[dependencies.name]` is a table of one dependency.
                if let Some((kind, name)) = name.rsplit_once("dependencies.") {
                    manifest.list(kind).push(Dependency { name: name.into(), features: Vec::new() });
                }
                continue;
            }
            let Some(kind) = table.strip_suffix("dependencies") else { continue };
            if let Some(dependency) = dependency(line) {
                manifest.list(kind).push(dependency);
            }
        }
        manifest
    }

    /// Build dependencies count as dependencies.
    fn list(&mut self, kind: &str) -> &mut Vec<Dependency> {
        if kind.ends_with("dev-") { &mut self.dev } else { &mut self.dependencies }
    }
}

fn dependency(line: &str) -> Option<Dependency> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().trim_end_matches(".workspace").trim_matches('"');
    if name.starts_with('#') {
        return None;
    }
    let features = value.split_once("features").and_then(|(_, rest)| rest.split(['[', ']']).nth(1));
    let features = features.into_iter().flat_map(|list| list.split(','));
    let features = features.map(|feature| feature.trim().trim_matches('"').to_owned());
    Some(Dependency { name: name.to_owned(), features: features.filter(|name| !name.is_empty()).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n# c.workspace = true\n\
                    b = { workspace = true, features = [\"write\", \"x\"] }\n[dependencies.d]\npath = \"../d\"\n\
                    [build-dependencies]\ne = \"1\"\n[dev-dependencies]\nf.workspace = true\n[lints]\nworkspace = true\n";
        let manifest = Manifest::parse(text);
        let names: Vec<_> = manifest.dependencies.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "d", "e"]);
        assert_eq!(manifest.dependencies[1].features, ["write", "x"]);
        assert_eq!(manifest.dev, [Dependency { name: "f".into(), features: vec![] }]);
    }
}
