-- Retention: which revisions are kept, what history takes on the disk, and what is to be removed there.

-- 0: kept. 1: given up, and what only it needs is being forgotten. 2: nothing of it is left but its digest.
ALTER TABLE revision ADD COLUMN thinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revision ADD COLUMN due_since INTEGER;
CREATE INDEX revision_kept ON revision (mirror, number) WHERE thinned = 0;
CREATE INDEX revision_given_up ON revision (mirror, number) WHERE thinned = 1;

-- Never used; a moment of one boot says nothing in another.
ALTER TABLE version DROP COLUMN due_at;
ALTER TABLE version DROP COLUMN due_boot;
ALTER TABLE version DROP COLUMN due_since_boot;
ALTER TABLE version ADD COLUMN due_since INTEGER;
ALTER TABLE version ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX version_foreign ON version (kept_at) WHERE node IS NULL;

-- What was deleted as a directory lies there whole: the rows in it are still open.
UPDATE version SET bytes = coalesce(size, (
    WITH RECURSIVE directory (node) AS (
        VALUES (version.node)
        UNION ALL
        SELECT entry.node FROM directory JOIN entry ON entry.parent_node = directory.node
        WHERE entry.to_rev IS NULL AND entry.kind = 0)
    SELECT sum(entry.size) FROM directory JOIN entry ON entry.parent_node = directory.node
    WHERE entry.to_rev IS NULL), 0);

-- One row: what all versions take.
CREATE TABLE history (bytes INTEGER NOT NULL) STRICT;
INSERT INTO history SELECT coalesce(sum(bytes), 0) FROM version;
CREATE TRIGGER version_comes AFTER INSERT ON version BEGIN
    UPDATE history SET bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER version_goes AFTER DELETE ON version BEGIN
    UPDATE history SET bytes = bytes - OLD.bytes;
END;
CREATE TRIGGER version_changes AFTER UPDATE OF bytes ON version BEGIN
    UPDATE history SET bytes = bytes + NEW.bytes - OLD.bytes;
END;

-- What is still to be done in versions/, in this order: removed, or taken out of a directory there to be a version itself.
CREATE TABLE discarded (
    id INTEGER NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    path BLOB NOT NULL,
    becomes INTEGER
) STRICT;

-- One row: how long this catalog has been in service, by the boottime clocks of all boots together.
CREATE TABLE service (boot BLOB NOT NULL, since_boot INTEGER NOT NULL, total INTEGER NOT NULL) STRICT;
