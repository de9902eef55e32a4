//! Directories that are not what the snapshot has at their paths: their parents' rows do not speak of them, and what was
//! read in them lies under another number.

use protocol::Name;
use seams::fs::FileKind;
use seams::recorded::{Evidence, Reading, Row, Trust};

use crate::compare::{Listed, Look};
use crate::gone::{Goes, Going, acknowledged_inode};
use crate::open_directories::OpenDirectory;
use crate::round::Round;

impl Round<'_> {
    /// Takes out the rows of names where other directories than the recorded ones are: those are on their way.
    pub(crate) fn set_strangers_apart(&self, directory: &mut OpenDirectory) {
        if self.claims().is_quiet() {
            return;
        }
        let OpenDirectory { path: above, listed, rows, strangers, past, .. } = directory;
        for Listed { name, look } in listed.iter() {
            let is_directory = matches!(look, Look::There { stat, .. } if stat.kind == FileKind::Directory);
            let Some(place) = above.join(name).ok().filter(|_| is_directory) else { continue };
            let at = rows.binary_search_by(|row| row.name.cmp(name));
            if !self.claims().is_stranger(&place, at.ok().and_then(|at| rows[at].directory)) {
                continue;
            }
            strangers.insert(name.clone());
            let Ok(at) = at else { continue };
            let row = rows.remove(at);
            // What was only read below a path is of the directory that is there now.
            if row.acknowledged.is_some() || row.directory.is_none() {
                let path = past.base.as_ref().and_then(|base| base.join(name).ok()).unwrap_or_else(|| place.clone());
                self.found().going.push(Going { place, path, row, why: Goes::Taken });
            }
        }
    }

    /// Lays over a directory's rows what was read of its files under other numbers, and in this round: nothing is read
    /// twice because its directory moved.
    pub(crate) fn lay_readings_over(&self, directory: &mut OpenDirectory) {
        if !directory.aside.is_empty() {
            let readings = directory.listed.iter().filter_map(|listed| read_aside(directory, listed)).collect();
            lay_over(&mut directory.rows, readings);
        }
        if directory.again {
            let found = self.found();
            let read = |listed: &Listed| {
                let mut reading = found.read.get(&directory.path.join(&listed.name).ok()?)?.clone();
                // Whether it is proven for the next round was written down with it.
                if reading.trust == Trust::Unproven {
                    reading.trust = Trust::Proven;
                }
                Some((listed.name.clone(), reading))
            };
            let readings = directory.listed.iter().filter_map(read).collect();
            drop(found);
            lay_over(&mut directory.rows, readings);
        }
    }
}

/// What was read at the path of a file by an earlier round that did not deliver it, if it was this very file.
fn read_aside(directory: &OpenDirectory, listed: &Listed) -> Option<(Name, Reading)> {
    let Look::There { stat, .. } = &listed.look else { return None };
    let now = Evidence::from(stat);
    let own = directory.row(&listed.name).and_then(|row| row.reading.as_ref());
    let aside = directory.read_aside(&listed.name).filter(|aside| aside.evidence == now);
    let aside = aside.filter(|_| own.is_none_or(|own| own.evidence != now));
    Some((listed.name.clone(), aside?.clone()))
}

fn lay_over(rows: &mut Vec<Row>, readings: Vec<(Name, Reading)>) {
    for (name, reading) in readings {
        match rows.binary_search_by(|row| row.name.cmp(&name)) {
            Ok(at) => {
                rows[at].inode = acknowledged_inode(&rows[at]);
                rows[at].reading = Some(reading);
            }
            Err(at) => {
                let inode = Some(reading.evidence.inode);
                rows.insert(at, Row { name, directory: None, acknowledged: None, inode, reading: Some(reading) });
            }
        }
    }
}
