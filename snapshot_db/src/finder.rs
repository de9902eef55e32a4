//! [`Finder`]: paths to directory numbers, each directory looked up once while paths come sorted.

use protocol::{Name, RelPath};
use seams::recorded::DirectoryId;

use crate::error::Outcome;

/// Remembers the way from the root to the last directory found. Valid as long as no directory on it changes.
#[derive(Debug)]
pub(crate) struct Finder {
    last: RelPath,
    /// How many bytes of `last` name each directory on the way, and its number; the root first.
    way: Vec<(usize, DirectoryId)>,
}

impl Finder {
    pub(crate) fn new() -> Self {
        Self { last: RelPath::root(), way: vec![(0, DirectoryId::ROOT)] }
    }

    /// The number of the directory at a path. `step` tells the number of a name in a directory.
    pub(crate) fn directory(
        &mut self,
        path: &RelPath,
        mut step: impl FnMut(DirectoryId, &Name) -> Outcome<Option<DirectoryId>>,
    ) -> Outcome<Option<DirectoryId>> {
        let (known, mut directory) = self.keep_common(path);
        let mut end = known;
        for component in path.as_bytes()[known..].split(|byte| *byte == b'/').filter(|component| !component.is_empty())
        {
            let name = Name::parse(component).expect("every component was checked when the path was made");
            match step(directory, &name)? {
                Some(found) => directory = found,
                None => return Ok(None),
            }
            end += component.len() + usize::from(end > 0);
            self.way.push((end, directory));
        }
        Ok(Some(directory))
    }

    /// Forgets what is not on the way to `path`; the length and number of the deepest directory that is.
    fn keep_common(&mut self, path: &RelPath) -> (usize, DirectoryId) {
        let bytes = path.as_bytes();
        let common = bytes.iter().zip(self.last.as_bytes()).take_while(|(a, b)| a == b).count();
        let on_the_way = |end: usize| end == 0 || end <= common && bytes.get(end).is_none_or(|byte| *byte == b'/');
        while self.way.pop_if(|(end, _)| !on_the_way(*end)).is_some() {}
        self.last = path.clone();
        *self.way.last().expect("the root is always on the way")
    }
}
