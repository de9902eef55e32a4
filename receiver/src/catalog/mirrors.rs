//! Mirrors, their revisions, and who may write them.

use protocol::wire::Source;
use protocol::{Head, Lineage, Metadata, MirrorName, RevisionDigest, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::catalog::batch::insert_row;
use crate::catalog::row::{damaged, id, signed, unsigned};
use crate::catalog::{Catalog, CatalogError, Disk, MirrorId, Node, Opening};

/// One mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MirrorRecord {
    /// Its number.
    pub(crate) id: MirrorId,
    /// Its name.
    pub(crate) name: MirrorName,
    /// Its root's node.
    pub(crate) root: Node,
    /// What it is the copy of.
    pub(crate) source: Source,
}

impl Catalog {
    /// The mirror of a name.
    pub(crate) fn mirror(&self, name: &MirrorName) -> Result<Option<MirrorRecord>, CatalogError> {
        Ok(self.mirrors_where("name = ?1", name.as_str())?.pop())
    }

    /// The mirror of a number.
    pub(crate) fn mirror_of(&self, mirror: MirrorId) -> Result<Option<MirrorRecord>, CatalogError> {
        Ok(self.mirrors_where("id = ?1", mirror)?.pop())
    }

    /// All mirrors.
    pub(crate) fn mirrors(&self) -> Result<Vec<MirrorRecord>, CatalogError> {
        self.mirrors_where("?1", true)
    }

    fn mirrors_where(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Vec<MirrorRecord>, CatalogError> {
        let sql = format!(
            "SELECT id, name, root_node, source_path, source_identity, source_host FROM mirror WHERE {condition}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query((value,))?;
        let mut mirrors = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(1)?;
            let name =
                MirrorName::parse(name.as_bytes()).map_err(|error| damaged(format!("a mirror's name: {error}")))?;
            let source = Source {
                path: row.get::<_, Vec<u8>>(3)?.into(),
                identity: row.get::<_, Vec<u8>>(4)?.into(),
                host: row.get(5)?,
            };
            mirrors.push(MirrorRecord { id: row.get(0)?, name, root: row.get(2)?, source });
        }
        Ok(mirrors)
    }

    /// Makes a mirror at genesis whose root is `root` with this inode.
    pub(crate) fn create_mirror(
        &mut self,
        name: &MirrorName,
        source: &Source,
        root: (Node, Disk),
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        let sql = "INSERT INTO mirror (name, root_node, source_path, source_identity, source_host, created_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (node, disk) = root;
        transaction.execute(
            sql,
            params![name.as_str(), node, &source.path[..], &source.identity[..], source.host, now.as_nanos()],
        )?;
        let mirror = MirrorId(transaction.last_insert_rowid());
        let sql = "INSERT INTO revision VALUES (?1, 0, ?2, NULL, NULL, NULL, ?3, 0, 0, 0, 0, 0, 0, 0, 0, NULL)";
        transaction.execute(sql, params![mirror, Head::genesis().digest.as_bytes(), now.as_nanos()])?;
        let entry = protocol::Entry::Directory { metadata: Metadata::default() };
        let root = Opening { parent: Node::CLIENT, name: name.as_name(), node, entry, disk };
        insert_row(&transaction, mirror, 0, &root)?;
        transaction.execute("UPDATE sequence SET next = max(next, ?1) WHERE name = 'node'", [node.0 + 1])?;
        Ok(transaction.commit()?)
    }

    /// Records another source for a mirror.
    pub(crate) fn set_source(&mut self, mirror: MirrorId, source: &Source) -> Result<(), CatalogError> {
        let sql = "UPDATE mirror SET source_path = ?2, source_identity = ?3, source_host = ?4 WHERE id = ?1";
        self.connection.execute(sql, params![mirror, &source.path[..], &source.identity[..], source.host])?;
        Ok(())
    }

    /// A mirror's head, who wrote it, and when it was committed.
    pub(crate) fn head(&self, mirror: MirrorId) -> Result<(Head, Option<Lineage>, Timestamp), CatalogError> {
        let sql = "SELECT number, digest, lineage, committed_at FROM revision WHERE mirror = ?1 \
                   ORDER BY number DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((mirror,))?;
        let row = rows.next()?.ok_or_else(|| damaged("a mirror without revisions"))?;
        let digest = id(&row.get::<_, Vec<u8>>(1)?, RevisionDigest::from_slice)?;
        let lineage: Option<Vec<u8>> = row.get(2)?;
        let lineage = lineage.map(|bytes| id(&bytes, Lineage::from_slice)).transpose()?;
        let head = Head { number: unsigned(row.get(0)?), digest };
        Ok((head, lineage, Timestamp::from_nanos(row.get(3)?)))
    }

    /// The revision of a number, if its tree is still kept.
    pub(crate) fn revision(&self, mirror: MirrorId, number: u64) -> Result<Option<Head>, CatalogError> {
        let sql = "SELECT digest FROM revision WHERE mirror = ?1 AND number = ?2 AND thinned = 0";
        let mut statement = self.connection.prepare_cached(sql)?;
        let digest: Option<Vec<u8>> = statement.query_row((mirror, signed(number)), |row| row.get(0)).optional()?;
        let digest = digest.map(|bytes| id(&bytes, RevisionDigest::from_slice)).transpose()?;
        Ok(digest.map(|digest| Head { number, digest }))
    }

    /// Whether a head lies in a mirror's chain, and what changed since can still be told.
    pub(crate) fn in_chain(&self, mirror: MirrorId, head: Head) -> Result<bool, CatalogError> {
        Ok(self.revision(mirror, head.number)? == Some(head))
    }

    /// The revision after which a superseded lineage may not write.
    pub(crate) fn superseded_at(&self, mirror: MirrorId, lineage: Lineage) -> Result<Option<u64>, CatalogError> {
        let sql = "SELECT fork FROM superseded WHERE mirror = ?1 AND lineage = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let fork: Option<i64> = statement.query_row((mirror, lineage.as_bytes()), |row| row.get(0)).optional()?;
        Ok(fork.map(unsigned))
    }

    /// Supersedes the former lineage and every one that wrote past the fork, but for the heir.
    pub(crate) fn take_over(
        &mut self,
        mirror: MirrorId,
        heir: Lineage,
        former: Option<Lineage>,
        fork: u64,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let former = former.as_ref().map(Lineage::as_bytes);
        let sql = "INSERT INTO superseded (mirror, lineage, fork, heir, superseded_at) \
                   SELECT ?1, lineage, ?2, ?3, ?4 FROM (\
                       SELECT lineage FROM revision WHERE mirror = ?1 AND number > ?2 UNION SELECT ?5) \
                   WHERE lineage IS NOT NULL AND lineage <> ?3 \
                   ON CONFLICT DO UPDATE SET fork = min(fork, excluded.fork)";
        self.connection.execute(sql, params![mirror, signed(fork), heir.as_bytes(), now.as_nanos(), former])?;
        Ok(())
    }

    /// Whether a mirror's tree holds nothing.
    pub(crate) fn is_empty(&self, root: Node) -> Result<bool, CatalogError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM entry WHERE parent_node = ?1 AND to_rev IS NULL)";
        Ok(self.connection.prepare_cached(sql)?.query_row((root,), |row| row.get(0))?)
    }
}
