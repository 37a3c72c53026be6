//! Which of a package's files bear which label. Mostly all bear `main` and no other, which takes nothing to remember.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use names::LabelName;

/// The labels of some files, in the order of the files. None where every one bears `main` alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Labels(Option<Box<[BTreeSet<LabelName>]>>);

impl Labels {
    pub(crate) fn new(labels: Vec<BTreeSet<LabelName>>) -> Self {
        let plain = |labels: &BTreeSet<LabelName>| labels.len() == 1 && labels.iter().all(LabelName::is_main);
        Self(if labels.iter().all(plain) { None } else { Some(labels.into()) })
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.0.is_none()
    }

    /// The files that bear a label: all of them, or these.
    pub(crate) fn bearing<T: Clone>(&self, label: &LabelName, files: &[T]) -> Bearing<T> {
        let Some(labels) = &self.0 else {
            return if label.is_main() { Bearing::All } else { Bearing::Some(Vec::new()) };
        };
        let bear = files.iter().zip(labels).filter(|(_, labels)| labels.contains(label));
        let some: Vec<T> = bear.map(|(file, _)| file.clone()).collect();
        if some.len() == files.len() { Bearing::All } else { Bearing::Some(some) }
    }
}

/// Which files bear a label.
pub(crate) enum Bearing<T> {
    All,
    Some(Vec<T>),
}

/// Parts of something by label, each made once, so that what is rendered of it is rendered once.
pub(crate) struct Parts<T>(Mutex<Vec<(LabelName, Arc<T>)>>);

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Parts<T> {
    /// The part of this label. There are no more of them than its files bear labels.
    pub(crate) fn once(&self, label: &LabelName, make: impl FnOnce() -> T) -> Arc<T> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, part)) = parts.iter().find(|(known, _)| known == label) {
            return part.clone();
        }
        let part = Arc::new(make());
        parts.push((label.clone(), part.clone()));
        part
    }

    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|(_, part)| part.clone()).collect()
    }
}
