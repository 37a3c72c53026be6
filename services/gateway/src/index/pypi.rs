//! A channel's Python projects, and the pages cut from them, each rendered when it is first asked for and at
//! most once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use names::{PackageKind, ProjectName};
use readmodel::ArtifactRow;
use runtime::{Clock, Failure};
use time::OffsetDateTime;

use crate::index::shelf::Key;
use crate::index::slot::View;
use crate::index::sorted::{Named, Sorted};
use crate::render::Rendered;
use crate::render::negotiate::Format;
use crate::render::simple::{self, Project, PythonFile};

/// What a view takes once every page is rendered in every form, as a multiple of its files.
const WEIGHT_OF_RENDERED: usize = 5;

/// A channel's Python side as it is at one moment. It never changes; a newer one takes its place.
pub struct PypiView {
    projects: Sorted<Entry>,
    list: Pages,
}

/// One document in the forms of [`Format`].
#[derive(Default)]
struct Pages([OnceLock<Rendered>; 3]);

struct Entry {
    project: Project,
    pages: Pages,
}

impl Named for Entry {
    fn name(&self) -> &str {
        self.project.name()
    }
}

impl Pages {
    fn once(&self, format: Format, render: impl FnOnce() -> Rendered) -> Rendered {
        let place = match format {
            Format::Json => 0,
            Format::Html => 1,
            Format::TextHtml => 2,
        };
        self.0[place].get_or_init(render).clone()
    }
}

impl PypiView {
    /// The list of projects.
    pub fn projects(&self, format: Format) -> Rendered {
        self.list.once(format, || simple::projects(self.names(), self.last_modified(), format))
    }

    /// One project's page. Its file addresses are relative to an address that ends in a slash.
    pub fn project_page(&self, name: &ProjectName, format: Format) -> Option<Rendered> {
        let entry = self.projects.get(name.as_str())?;
        Some(entry.pages.once(format, || entry.project.page(format)))
    }

    /// The normal names of its projects, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.projects.iter().map(|entry| entry.name())
    }

    /// A file by its name, if it is listed.
    pub fn file(&self, filename: &str) -> Option<&PythonFile> {
        // name-version...: a legacy sdist's name may hold hyphens, so every one of them may end it.
        filename.match_indices('-').find_map(|(end, _)| {
            let name = ProjectName::parse(&filename[..end]).ok()?;
            let files = self.projects.get(name.as_str())?.project.files();
            files.iter().find(|file| &*file.filename == filename)
        })
    }

    /// When the newest file in it was accepted.
    pub fn last_modified(&self) -> Option<OffsetDateTime> {
        self.files().map(|file| file.uploaded_at).max()
    }

    fn files(&self) -> impl Iterator<Item = &PythonFile> {
        self.projects.iter().flat_map(|entry| entry.project.files())
    }
}

impl View for PypiView {
    const KIND: PackageKind = PackageKind::Pypi;

    fn read(_: &Key, rows: Vec<ArtifactRow>, _: Option<&Self>, _: &Arc<dyn Clock>) -> Result<Self, Failure> {
        Ok(Self { projects: Sorted::new(entries(rows).into_values()), list: Pages::default() })
    }

    fn with(&self, _: &Key, names: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure> {
        let changes = names.into_iter().map(|(name, rows)| {
            let read = entries(rows).remove(&name);
            (name, read)
        });
        Ok(Self { projects: self.projects.with(changes), list: Pages::default() })
    }

    fn weight_bytes(&self) -> usize {
        self.files().map(PythonFile::weight_bytes).sum::<usize>() * WEIGHT_OF_RENDERED
    }
}

/// Groups rows by project.
fn entries(rows: Vec<ArtifactRow>) -> BTreeMap<Box<str>, Arc<Entry>> {
    let mut files: BTreeMap<Box<str>, Vec<PythonFile>> = BTreeMap::new();
    for row in rows {
        files.entry(row.name.as_str().into()).or_default().push(file(row));
    }
    let entry = |(name, files): (Box<str>, Vec<PythonFile>)| {
        let project = Project::new(&name, files);
        (name, Arc::new(Entry { project, pages: Pages::default() }))
    };
    files.into_iter().map(entry).collect()
}

fn file(row: ArtifactRow) -> PythonFile {
    PythonFile {
        filename: row.filename.into(),
        version: row.version.into(),
        sha256: row.sha256,
        size_bytes: row.size,
        requires_python: row.requires_python.into(),
        metadata_sha256: row.metadata_sha256,
        uploaded_at: row.uploaded_at,
    }
}
