//! Damage: files that were found damaged or missing, and what is wanted for them.

use std::collections::HashMap;

use protocol::{ContentId, Timestamp};
use rusqlite::{Connection, Params, params};

use crate::catalog::batch::{insert_steps, insert_version, raise_sequences};
use crate::catalog::contents::CURRENT_WITH;
use crate::catalog::row::{damaged, id, signed, unsigned};
use crate::catalog::{
    Batch, Catalog, CatalogError, Closing, Disk, KeptVersion, MirrorId, Node, Opening, Place, Row, VersionId,
};

/// Wanted contents looked through for one answer.
const MAX_LOOKED_AT: u32 = 2_000;

/// A file that is known to be damaged: which state of which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DamageKey {
    /// What.
    pub(crate) node: Node,
    /// The first revision of the row.
    pub(crate) from: u64,
}

/// A content that is wanted, and a file of the head that should have it.
pub(crate) type WantedRow = (ContentId, Row, Place);

/// What putting a mirror right writes: no revision, for nothing logical changes.
#[derive(Debug, Default)]
pub(crate) struct Repair {
    /// The revision that the steps belong to: the head.
    pub(crate) revision: u64,
    /// What the disk says of things that come to their places anew: rows that are open.
    pub(crate) disks: Vec<(Node, Disk)>,
    /// What goes to the versions, none of it ours.
    pub(crate) versions: Vec<KeptVersion>,
    /// The rows of the redo log, in order.
    pub(crate) steps: Vec<Vec<u8>>,
    /// What is not damaged any more.
    pub(crate) healed: Vec<(ContentId, DamageKey)>,
    /// Contents that came anew: they are held again.
    pub(crate) arrived: Vec<ContentId>,
}

impl Catalog {
    /// Notes that the file of a row is damaged or missing: its content is not held until it comes anew.
    pub(crate) fn want(&mut self, row: &Row, now: Timestamp) -> Result<(), CatalogError> {
        let Some((content, _)) = row.entry.content() else { return Ok(()) };
        let sql = "INSERT INTO wanted VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute(params![content.as_bytes(), now.as_nanos()])?;
        // Under the row that its bytes live on in: one file is damaged once.
        let Some(row) = self.last_same(row.clone())? else { return Ok(()) };
        let sql = "INSERT INTO damage VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
        let key = (row.mirror, row.node, signed(row.from));
        self.connection.prepare_cached(sql)?.execute(params![
            key.0,
            key.1,
            key.2,
            content.as_bytes(),
            now.as_nanos()
        ])?;
        Ok(())
    }

    /// The same of every file with a content that is looked at where one is needed: none of them would do.
    pub(crate) fn want_everywhere(&mut self, content: ContentId, now: Timestamp) -> Result<(), CatalogError> {
        for row in self.rows_with(content)? {
            self.want(&row, now)?;
        }
        Ok(())
    }

    /// Contents of files of a mirror's head that were found damaged, each with such a file, at most `most` after one.
    pub(crate) fn wanted(
        &self,
        mirror: MirrorId,
        after: Option<ContentId>,
        most: usize,
    ) -> Result<Vec<WantedRow>, CatalogError> {
        let sql = "SELECT DISTINCT content FROM damage WHERE mirror = ?1 AND content > ?2 ORDER BY content LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let after = after.as_ref().map_or(&[][..], |content| content.as_bytes());
        let mut rows = statement.query((mirror, after, MAX_LOOKED_AT))?;
        let mut wanted = Vec::new();
        while let Some(row) = rows.next()?.filter(|_| wanted.len() < most) {
            let content = id(&row.get::<_, Vec<u8>>(0)?, ContentId::from_slice)?;
            wanted.extend(self.current_with(mirror, content)?.map(|(row, place)| (content, row, place)));
        }
        Ok(wanted)
    }

    /// A file of a mirror's head that has, or should have, a content.
    fn current_with(&self, mirror: MirrorId, content: ContentId) -> Result<Option<(Row, Place)>, CatalogError> {
        for row in self.rows(CURRENT_WITH, (content.as_bytes(), 64))?.into_iter().filter(|row| row.mirror == mirror) {
            if let Some(place @ Place::Mirror(..)) = self.place_of(&row)? {
                return Ok(Some((row, place)));
            }
        }
        Ok(None)
    }

    /// Whether a row's file is known to be damaged.
    pub(crate) fn is_damaged(&self, row: &Row) -> Result<bool, CatalogError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM damage WHERE node = ?1 AND from_rev = ?2)";
        let row = self.last_same(row.clone())?;
        let Some(row) = row else { return Ok(true) };
        Ok(self.connection.prepare_cached(sql)?.query_row((row.node, signed(row.from)), |row| row.get(0))?)
    }

    /// Damaged files of a mirror by content, at most `most` of contents after one.
    pub(crate) fn damage_after(
        &self,
        mirror: MirrorId,
        after: Option<ContentId>,
        most: u32,
    ) -> Result<Vec<(ContentId, DamageKey)>, CatalogError> {
        let after = after.as_ref().map_or(&[][..], |content| content.as_bytes());
        self.damage_where("content > ?2", (mirror, after, most))
    }

    /// Damaged files of a mirror with a content, at most `most`.
    pub(crate) fn damage_of(
        &self,
        mirror: MirrorId,
        content: ContentId,
        most: u32,
    ) -> Result<Vec<(ContentId, DamageKey)>, CatalogError> {
        self.damage_where("content = ?2", (mirror, content.as_bytes(), most))
    }

    fn damage_where(
        &self,
        condition: &str,
        parameters: impl Params,
    ) -> Result<Vec<(ContentId, DamageKey)>, CatalogError> {
        let sql = format!(
            "SELECT content, node, from_rev FROM damage WHERE mirror = ?1 AND {condition} ORDER BY content LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let content = id(&row.get::<_, Vec<u8>>(0)?, ContentId::from_slice)?;
            found.push((content, DamageKey { node: row.get(1)?, from: unsigned(row.get(2)?) }));
        }
        Ok(found)
    }

    /// The row of a damaged file as its bytes live on, and where that is; nothing where they were not kept.
    pub(crate) fn damaged_row(&self, key: DamageKey) -> Result<Option<(Row, Place)>, CatalogError> {
        let row = self.node_at(key.node, key.from)?;
        let row = row.ok_or_else(|| damaged("damage of a row that there is not"))?;
        let Some(row) = self.last_same(row)? else { return Ok(None) };
        Ok(self.place_of(&row)?.map(|place| (row, place)))
    }

    /// Writes down how a mirror is put right, durably, with the steps that do it.
    pub(crate) fn repair(
        &mut self,
        mirror: MirrorId,
        repair: &Repair,
        next: (Node, VersionId),
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        for (node, disk) in &repair.disks {
            let sql = "UPDATE entry SET inode = ?2, disk_size = ?3, disk_mtime = ?4 WHERE node = ?1 AND to_rev IS NULL";
            let (inode, size, mtime) = (disk.inode.cast_signed(), signed(disk.size), disk.mtime.as_nanos());
            transaction.prepare_cached(sql)?.execute(params![node, inode, size, mtime])?;
        }
        for version in &repair.versions {
            insert_version(&transaction, mirror, version, now)?;
        }
        insert_steps(&transaction, mirror, repair.revision, &repair.steps)?;
        forget(&transaction, &repair.healed)?;
        super::batch::forget_wanted(&transaction, &repair.arrived)?;
        raise_sequences(&transaction, next)?;
        Ok(transaction.commit()?)
    }

    /// The file of a closed row was put right among the versions.
    pub(crate) fn repaired_version(
        &mut self,
        row: &Row,
        disk: Disk,
        healed: &[(ContentId, DamageKey)],
        arrived: &[ContentId],
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        let sql = "UPDATE entry SET inode = ?3, disk_size = ?4, disk_mtime = ?5 WHERE node = ?1 AND from_rev = ?2";
        let (inode, size, mtime) = (disk.inode.cast_signed(), signed(disk.size), disk.mtime.as_nanos());
        transaction.prepare_cached(sql)?.execute(params![row.node, signed(row.from), inode, size, mtime])?;
        forget(&transaction, healed)?;
        super::batch::forget_wanted(&transaction, arrived)?;
        Ok(transaction.commit()?)
    }
}

/// Contents that nothing lacks any more are held again.
fn forget(connection: &Connection, healed: &[(ContentId, DamageKey)]) -> Result<(), CatalogError> {
    let mut forget = connection.prepare_cached("DELETE FROM damage WHERE node = ?1 AND from_rev = ?2")?;
    for (_, key) in healed {
        forget.execute((key.node, signed(key.from)))?;
    }
    let sql = "DELETE FROM wanted WHERE content = ?1 AND NOT EXISTS (SELECT 1 FROM damage WHERE content = ?1)";
    let mut hold = connection.prepare_cached(sql)?;
    for (content, _) in healed {
        hold.execute((content.as_bytes(),))?;
    }
    Ok(())
}

/// Forgets the damage of files that a batch makes anew or whose bytes it does not keep. Rows are closed already.
pub(super) fn settle_damage(connection: &Connection, batch: &Batch) -> Result<(), CatalogError> {
    let any: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM damage WHERE mirror = ?1)")?
        .query_row((batch.mirror,), |row| row.get(0))?;
    if !any {
        return Ok(());
    }
    let sql = "DELETE FROM damage WHERE node = ?1 AND NOT EXISTS (\
                   SELECT 1 FROM entry WHERE entry.node = damage.node AND entry.version IS NOT NULL \
                   AND entry.from_rev >= damage.from_rev AND entry.content = damage.content)";
    let mut statement = connection.prepare_cached(sql)?;
    let opened: HashMap<Node, &Opening> = batch.openings.iter().map(|opening| (opening.node, opening)).collect();
    for Closing { row, .. } in &batch.closings {
        let is_same = opened.get(&row.node).is_some_and(|opening| opening.entry.same_content(&row.entry));
        let stays = is_same && !batch.fresh.contains(&row.node);
        if !stays {
            statement.execute((row.node,))?;
        }
    }
    Ok(())
}
