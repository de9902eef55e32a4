use std::path::Path;

use protocol::StoreId;
use seams::clock::SystemClock;
use seams::disk::Disk;
use seams::memory::Memory;

use super::*;

fn open(path: &Path) -> TreeStore {
    let id = StoreId::from_bytes([7; 16]);
    TreeStore::open(&Disk, path, id, Catalogs::OnDisk, Arc::new(SystemClock::new())).expect("the directory will do")
}

mod on_disk {
    use super::*;

    crate::store::conformance::suite!(|| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        (open(directory.path()), directory)
    });
}

mod in_memory {
    use super::*;

    crate::store::conformance::suite!(|| {
        let clock = Arc::new(SystemClock::new());
        let fs = Memory::new(clock.clone());
        fs.make_directory(Path::new("/data")).expect("an absolute path");
        let id = StoreId::from_bytes([7; 16]);
        let store = TreeStore::open(&fs, Path::new("/data"), id, Catalogs::InMemory, clock);
        (store.expect("the memory will do"), ())
    });
}
