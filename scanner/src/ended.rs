//! [`ended`]: which file of the mirror ends by which change of a plan. Pure.

use std::collections::{BTreeMap, HashMap};

use protocol::{Change, Entry, Kind, Name, RelPath};

use crate::finding::Finding;

/// A file that the mirror has, and has not any more after a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    /// The change's place in the plan.
    pub by: usize,
    /// The file's path before it.
    pub path: &'a RelPath,
    /// Whether it is empty.
    pub is_empty: bool,
}

/// The files that a plan ends, in the order of the findings that it was made of.
pub(crate) fn ended<'a>(changes: &[Change], findings: &'a [Finding]) -> Vec<Ended<'a>> {
    let fates = Fates::of(changes, findings);
    let file = |finding: &'a Finding| {
        let (path, was, by) = match finding {
            Finding::Gone { path, was, .. } => (path, was, fates.leaving(path)),
            Finding::Present { was: Some(was), .. } => (finding.base(), was, fates.overwritten(finding)),
            Finding::Present { .. } | Finding::Moved { .. } | Finding::Problem { .. } | Finding::Deferred { .. } => {
                return None;
            }
        };
        let Entry::File { size, .. } = was else { return None };
        Some(Ended { by: by?, path, is_empty: *size == 0 })
    };
    findings.iter().filter_map(file).collect()
}

/// What happens at the places of the base that changes name.
struct Fates<'a> {
    /// What leaves a place, or is replaced there: the change that ends it, or nothing for what moves.
    leaving: BTreeMap<&'a RelPath, Option<usize>>,
    /// What comes to a place of the result and ends a file that stands there and stays.
    overwriting: BTreeMap<&'a RelPath, usize>,
}

impl<'a> Fates<'a> {
    fn of(changes: &'a [Change], findings: &'a [Finding]) -> Self {
        let bases = bases_of_replaced(findings);
        let mut fates = Self { leaving: BTreeMap::new(), overwriting: BTreeMap::new() };
        for (index, change) in changes.iter().enumerate() {
            match change {
                Change::Delete { path } => drop(fates.leaving.insert(path, Some(index))),
                Change::Replace { path, .. } => {
                    let base = bases.get(path).copied().unwrap_or(path);
                    fates.leaving.insert(base, Some(index));
                }
                Change::Move { from, to, entry } => {
                    fates.leaving.insert(from, None);
                    if entry.kind() != Kind::Directory {
                        fates.overwriting.insert(to, index);
                    }
                }
                Change::Create { .. } | Change::Modify { .. } | Change::Metadata { .. } => {}
            }
        }
        fates
    }

    /// The change that ends what is gone from a path: its own, or that of the nearest directory above that goes.
    fn leaving(&self, path: &RelPath) -> Option<usize> {
        let nearest = || path.ancestors().filter_map(|above| self.leaving.get(&above)).last();
        *self.leaving.get(path).or_else(nearest)?
    }

    /// The change that ends a file in whose place something else is found.
    fn overwritten(&self, finding: &Finding) -> Option<usize> {
        match self.leaving.get(finding.base()) {
            Some(fate) => *fate,
            None => self.overwriting.get(finding.path()).copied(),
        }
    }
}

/// What the mirror calls the places where another kind of thing stands now, where that is not their path.
fn bases_of_replaced(findings: &[Finding]) -> HashMap<&RelPath, &RelPath> {
    let elsewhere = |finding: &&Finding| matches!(finding, Finding::Present { base: Some(_), .. });
    findings.iter().filter(elsewhere).map(|finding| (finding.path(), finding.base())).collect()
}

/// The files among these that count. An empty file that vanished while one of the same name was made elsewhere was
/// most likely moved there: moves do not match empty files, and a renamed directory full of them is no mass delete.
pub(crate) fn counted<'a>(ended: &[Ended<'a>], changes: &[Change]) -> Vec<Ended<'a>> {
    let mut made: HashMap<Name, u64> = HashMap::new();
    for change in changes {
        if let Change::Create { path, entry: Entry::File { size: 0, .. } } = change {
            *made.entry(path.name().expect("the root is not created")).or_default() += 1;
        }
    }
    let mut came_again = |file: &Ended<'_>| {
        let left = file.path.name().and_then(|name| made.get_mut(&name)).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    };
    ended.iter().filter(|file| !(file.is_empty && came_again(file))).copied().collect()
}
