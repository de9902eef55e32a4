-- The catalog of one client. docs/CATALOG.md tells the story of every table and column.

CREATE TABLE sequence (
    name TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence VALUES ('node', 1), ('version', 1);

CREATE TABLE mirror (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    root_node INTEGER NOT NULL UNIQUE,
    source_path BLOB NOT NULL,
    source_identity BLOB NOT NULL,
    source_host TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE revision (
    mirror INTEGER NOT NULL REFERENCES mirror (id),
    number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    lineage BLOB,
    round BLOB,
    round_started INTEGER,
    committed_at INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    metadata INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    replaced INTEGER NOT NULL,
    PRIMARY KEY (mirror, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE superseded (
    mirror INTEGER NOT NULL REFERENCES mirror (id),
    lineage BLOB NOT NULL,
    fork INTEGER NOT NULL,
    heir BLOB NOT NULL,
    superseded_at INTEGER NOT NULL,
    PRIMARY KEY (mirror, lineage)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    parent_node INTEGER NOT NULL,
    name BLOB NOT NULL,
    from_rev INTEGER NOT NULL,
    to_rev INTEGER,
    mirror INTEGER NOT NULL REFERENCES mirror (id),
    node INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    mode INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    attributes BLOB,
    size INTEGER CHECK ((size IS NOT NULL) = (kind = 1)),
    content BLOB CHECK ((content IS NOT NULL) = (kind = 1)),
    target BLOB CHECK ((target IS NOT NULL) = (kind = 2)),
    inode INTEGER NOT NULL,
    disk_size INTEGER NOT NULL,
    disk_mtime INTEGER NOT NULL,
    version INTEGER,
    PRIMARY KEY (parent_node, name, from_rev),
    CHECK (to_rev > from_rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_by_node ON entry (node, from_rev);
CREATE INDEX entry_by_content ON entry (content) WHERE content IS NOT NULL;
CREATE INDEX entry_by_opening ON entry (mirror, from_rev);
CREATE INDEX entry_by_closing ON entry (mirror, to_rev) WHERE to_rev IS NOT NULL;

CREATE TABLE version (
    id INTEGER NOT NULL PRIMARY KEY,
    mirror INTEGER NOT NULL REFERENCES mirror (id),
    revision INTEGER NOT NULL,
    node INTEGER,
    path BLOB NOT NULL,
    kept_at INTEGER NOT NULL,
    size INTEGER,
    due_at INTEGER,
    due_boot BLOB,
    due_since_boot INTEGER
) STRICT;
CREATE INDEX version_by_time ON version (kept_at);

CREATE TABLE step (
    mirror INTEGER NOT NULL REFERENCES mirror (id),
    revision INTEGER NOT NULL,
    place INTEGER NOT NULL,
    step BLOB NOT NULL,
    PRIMARY KEY (mirror, revision, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE wanted (
    content BLOB NOT NULL PRIMARY KEY,
    found_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
