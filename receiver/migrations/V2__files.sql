-- How many files a mirror has, and how many ceased to exist by each revision: the client's brake goes by them.

ALTER TABLE mirror ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revision ADD COLUMN ended_files INTEGER NOT NULL DEFAULT 0;
CREATE INDEX revision_by_time ON revision (mirror, committed_at) WHERE ended_files > 0;

-- Rows below a deleted directory are still open: only what hangs on the root is there.
UPDATE mirror SET files = (
    WITH RECURSIVE directory (node) AS (
        VALUES (mirror.root_node)
        UNION ALL
        SELECT entry.node FROM directory JOIN entry ON entry.parent_node = directory.node
        WHERE entry.to_rev IS NULL AND entry.kind = 0)
    SELECT count(*) FROM directory JOIN entry ON entry.parent_node = directory.node
    WHERE entry.to_rev IS NULL AND entry.kind = 1);
