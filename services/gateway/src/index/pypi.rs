//! A channel's Python projects, and the pages cut from them for those who see the same, each rendered when it is first
//! asked for and at most once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use names::{LabelName, PackageId, PackageKind, ProjectName};
use readmodel::ArtifactRow;
use runtime::{Clock, Failure};
use time::OffsetDateTime;

use crate::index::labels::{Bearing, Labels, Parts};
use crate::index::package::by_package;
use crate::index::shelf::Key;
use crate::index::slot::Stock;
use crate::index::sorted::{Named, Sorted};
use crate::render::Rendered;
use crate::render::negotiate::Format;
use crate::render::simple::{self, Project, PythonFile};

/// What a stock takes once every page is rendered in every form, as a multiple of its files.
const WEIGHT_OF_RENDERED: usize = 5;

/// All projects of a channel at one moment, whoever may see them.
pub(crate) struct PypiStock {
    projects: Sorted<Entry>,
    plain: bool,
    whole: OnceLock<Arc<PypiView>>,
}

/// A channel's Python side as it is at one moment for those who see the same of it. It never changes; a newer one takes
/// its place.
pub struct PypiView {
    projects: Sorted<Entry>,
    list: Pages,
}

/// One document in the forms of [`Format`].
#[derive(Default)]
struct Pages([OnceLock<Arc<Rendered>>; 3]);

struct Entry {
    id: PackageId,
    project: Project,
    labels: Labels,
    parts: Parts<Entry>,
    pages: Pages,
}

impl Entry {
    fn new(id: PackageId, project: Project, labels: Labels) -> Self {
        Self { id, project, labels, parts: Parts::default(), pages: Pages::default() }
    }

    /// The project with the files that bear a label, if any does.
    fn labelled(self: &Arc<Self>, label: &LabelName) -> Option<Arc<Self>> {
        match self.labels.bearing(label, self.project.files()) {
            Bearing::All => Some(self.clone()),
            Bearing::Some(files) if files.is_empty() => None,
            // Inside a part everything counts as plain: it is never cut again.
            Bearing::Some(files) => Some(self.parts.once(label, || {
                Self::new(self.id, Project::new(self.project.name(), files), Labels::new(Vec::new()))
            })),
        }
    }
}

impl Named for Entry {
    fn name(&self) -> &str {
        self.project.name()
    }
}

impl Pages {
    fn once(&self, format: Format, render: impl FnOnce() -> Rendered) -> Arc<Rendered> {
        let place = match format {
            Format::Json => 0,
            Format::Html => 1,
            Format::TextHtml => 2,
        };
        self.0[place].get_or_init(|| render().into()).clone()
    }
}

impl PypiView {
    /// The list of projects.
    pub fn projects(&self, format: Format) -> Arc<Rendered> {
        self.list.once(format, || simple::projects(self.names(), self.last_modified(), format))
    }

    /// One project's page. Its file addresses are relative to an address that ends in a slash.
    pub fn project_page(&self, name: &ProjectName, format: Format) -> Option<Arc<Rendered>> {
        let entry = self.projects.get(name.as_str())?;
        Some(entry.pages.once(format, || entry.project.page(format)))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.projects.iter().len() == 0
    }

    /// The normal names of its projects, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.projects.iter().map(|entry| entry.name())
    }

    /// A file by its name, if it is listed, and the project it belongs to.
    pub fn file(&self, filename: &str) -> Option<(&str, PackageId, &PythonFile)> {
        // name-version...: a legacy sdist's name may hold hyphens, so every one of them may end it.
        filename.match_indices('-').find_map(|(end, _)| {
            let name = ProjectName::parse(&filename[..end]).ok()?;
            let entry = self.projects.get(name.as_str())?;
            let file = entry.project.files().iter().find(|file| &*file.filename == filename)?;
            Some((entry.name(), entry.id, file))
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

impl PypiView {
    fn of(projects: Sorted<Entry>) -> Self {
        Self { projects, list: Pages::default() }
    }
}

impl PypiStock {
    fn of(projects: Sorted<Entry>) -> Self {
        let plain = projects.iter().all(|entry| entry.labels.is_plain());
        Self { projects, plain, whole: OnceLock::new() }
    }
}

impl Stock for PypiStock {
    const KIND: PackageKind = PackageKind::Pypi;
    type View = PypiView;

    fn read(_: &Key, rows: Vec<ArtifactRow>, _: Option<&Self>, _: &Arc<dyn Clock>) -> Result<Self, Failure> {
        Ok(Self::of(Sorted::new(entries(rows).into_values())))
    }

    fn with(&self, _: &Key, names: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure> {
        let changes = names.into_iter().map(|(name, rows)| {
            let read = entries(rows).remove(&name);
            (name, read)
        });
        Ok(Self::of(self.projects.with(changes)))
    }

    fn packages(&self) -> impl Iterator<Item = (&str, PackageId)> {
        self.projects.iter().map(|entry| (entry.name(), entry.id))
    }

    fn whole(&self) -> Arc<PypiView> {
        self.whole.get_or_init(|| Arc::new(PypiView::of(self.projects.clone()))).clone()
    }

    fn is_plain(&self) -> bool {
        self.plain
    }

    fn cut(&self, label: Option<&LabelName>, shown: &[bool]) -> PypiView {
        let labelled = |entry: &Arc<Entry>| match label {
            Some(label) => entry.labelled(label),
            None => Some(entry.clone()),
        };
        PypiView::of(self.projects.only(shown, labelled))
    }

    fn weight_bytes(&self) -> usize {
        files_bytes(&self.projects) * WEIGHT_OF_RENDERED
    }

    /// The pages too: they outlive the stock for as long as the view is kept.
    fn cut_bytes(view: &PypiView) -> usize {
        files_bytes(&view.projects) * WEIGHT_OF_RENDERED
    }
}

fn files_bytes(projects: &Sorted<Entry>) -> usize {
    projects.iter().flat_map(|entry| entry.project.files()).map(PythonFile::weight_bytes).sum()
}

/// Groups rows by project.
fn entries(rows: Vec<ArtifactRow>) -> BTreeMap<Box<str>, Arc<Entry>> {
    let entry = |(name, (id, rows)): (Box<str>, (PackageId, Vec<ArtifactRow>))| {
        // In the order of the files as they are kept, which is not that of the rows.
        let mut labels: BTreeMap<_, _> =
            rows.iter().map(|row| (row.filename.clone(), row.labels.clone())).collect();
        let project = Project::new(&name, rows.into_iter().map(file).collect());
        let labels = project.files().iter().map(|file| labels.remove(&*file.filename).unwrap_or_default());
        let labels = Labels::new(labels.collect());
        (name, Arc::new(Entry::new(id, project, labels)))
    };
    by_package(rows).into_iter().map(entry).collect()
}

fn file(row: ArtifactRow) -> PythonFile {
    PythonFile {
        filename: row.filename.into(),
        version: row.version.into(),
        sha256: row.sha256,
        size_bytes: row.size,
        requires_python: row.requires_python.into(),
        metadata_sha256: row.metadata_sha256,
        metadata_size_bytes: row.metadata_size,
        uploaded_at: row.uploaded_at,
    }
}
