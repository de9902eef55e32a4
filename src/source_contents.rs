//! Where the bytes of new contents are read: from the source's own files.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::{ByteRange, Change, ContentId, RelPath};
use seams::fs::{Directory, open_by_components};
use seams::progress::Progress;
use uploader::{BATCHES_IN_HAND, ContentError, Contents};

/// The files of a source by what was read in them.
///
/// A file that changed since is not recognised by its times here: the receiver compares what arrives with the
/// content id, and that alone decides. A file that has become shorter is noticed at once.
#[derive(Debug)]
pub(crate) struct SourceContents<'a> {
    root: Arc<dyn Directory>,
    /// Those of the plan.
    places: HashMap<ContentId, RelPath>,
    /// Those of the newest batches that are not of the plan.
    in_hand: RwLock<VecDeque<HashMap<ContentId, RelPath>>>,
    progress: &'a dyn Progress,
}

impl<'a> SourceContents<'a> {
    /// The contents that a plan names, at the places that it names them for.
    pub(crate) fn of(root: Arc<dyn Directory>, plan: &[Change], progress: &'a dyn Progress) -> Self {
        Self { root, places: places(plan), in_hand: RwLock::default(), progress }
    }

    /// Finds the contents of one batch more, also where the plan does not name them.
    pub(crate) fn take_up(&self, batch: &[Change]) {
        self.take_up_places(places(batch));
    }

    /// The same of contents whose places are known.
    pub(crate) fn take_up_places(&self, places: HashMap<ContentId, RelPath>) {
        let mut in_hand = self.in_hand.write().unwrap_or_else(PoisonError::into_inner);
        in_hand.push_back(places);
        if in_hand.len() > BATCHES_IN_HAND {
            in_hand.pop_front();
        }
    }

    fn place(&self, content: &ContentId) -> Option<RelPath> {
        let in_hand = self.in_hand.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = std::iter::once(&self.places).chain(&*in_hand);
        all.find_map(|places| places.get(content)).cloned()
    }

    fn read_file(&self, path: &RelPath, range: ByteRange, into: &mut Vec<u8>) -> io::Result<()> {
        let (parent, name) = path.split_last().ok_or(io::ErrorKind::IsADirectory)?;
        let file = open_by_components(&self.root, &parent)?.open_file(&name)?;
        let start = into.len();
        let length = usize::try_from(range.length).map_err(io::Error::other)?;
        into.resize(start + length, 0);
        let mut done = 0;
        while done < length {
            let got = file.read_at(&mut into[start + done..], range.offset + done as u64)?;
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            done += got;
            self.progress.read(got as u64);
        }
        Ok(())
    }
}

impl Contents for SourceContents<'_> {
    fn read(&self, content: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError> {
        let path = self.place(content).ok_or(ContentError::Changed)?;
        self.read_file(&path, range, into).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::UnexpectedEof => {
                ContentError::Changed
            }
            _ => ContentError::Io(error),
        })
    }
}

fn places(changes: &[Change]) -> HashMap<ContentId, RelPath> {
    let place = |change: &Change| Some((change.entry()?.content()?.0, change.path().clone()));
    changes.iter().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use protocol::{Entry, Metadata, Name};
    use seams::fs::Fs;
    use seams::memory::{ManualClock, Memory};
    use seams::progress::Unwatched;

    use super::*;

    #[test]
    fn a_batch_under_way_is_still_read_while_the_next_are_prepared_and_no_longer() {
        let fs = Memory::new(Arc::new(ManualClock::new(protocol::Timestamp::from_nanos(0))));
        fs.make_directory(std::path::Path::new("/s")).expect("made");
        let root = fs.open_root(std::path::Path::new("/s")).expect("opened");
        let contents = SourceContents::of(Arc::clone(&root), &[], &Unwatched);
        let batch = |text: &str| {
            let name = Name::parse(text.as_bytes()).expect("valid");
            root.create_file(&name).and_then(|file| file.write_all_at(text.as_bytes(), 0)).expect("written");
            let content = ContentId::of(text.as_bytes());
            let entry = Entry::File { metadata: Metadata::default(), size: 1, content };
            contents.take_up(&[Change::Create { path: RelPath::parse(text.as_bytes()).expect("valid"), entry }]);
            content
        };
        let read = |content| contents.read(&content, ByteRange { offset: 0, length: 1 }, &mut Vec::new()).is_ok();
        let under_way: Vec<ContentId> = ('a'..).take(BATCHES_IN_HAND).map(|text| batch(&text.to_string())).collect();
        assert!(under_way.iter().all(|content| read(*content)));
        let newest = batch("newest");
        assert!(!read(under_way[0]), "it is durable by now");
        assert!(under_way[1..].iter().chain([&newest]).all(|content| read(*content)));
    }

    #[test]
    fn a_content_is_read_from_its_file_and_a_shorter_or_missing_file_has_changed() {
        let fs = Memory::new(Arc::new(ManualClock::new(protocol::Timestamp::from_nanos(0))));
        fs.make_directory(std::path::Path::new("/s/d")).expect("made");
        let root = fs.open_root(std::path::Path::new("/s")).expect("opened");
        let (directory, name) = (Name::parse(b"d").expect("valid"), Name::parse(b"f").expect("valid"));
        let file = root.open_directory(&directory).expect("opened").create_file(&name).expect("made");
        file.write_all_at(b"hello", 0).expect("written");
        let content = ContentId::of(b"hello");
        let entry = Entry::File { metadata: Metadata::default(), size: 5, content };
        let plan = [Change::Create { path: RelPath::parse(b"d/f").expect("valid"), entry }];
        let contents = SourceContents::of(root, &plan, &Unwatched);
        let mut bytes = b"<".to_vec();
        contents.read(&content, ByteRange { offset: 1, length: 3 }, &mut bytes).expect("read");
        assert_eq!(bytes, b"<ell");
        file.set_length(2).expect("cut");
        let cut = contents.read(&content, ByteRange { offset: 1, length: 3 }, &mut bytes);
        assert!(matches!(cut, Err(ContentError::Changed)));
        let unknown = contents.read(&ContentId::of(b"?"), ByteRange { offset: 0, length: 1 }, &mut bytes);
        assert!(matches!(unknown, Err(ContentError::Changed)));
    }
}
