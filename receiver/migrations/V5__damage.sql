-- Where files were found damaged or missing: which states of which nodes. What is wanted of a client follows from it.

CREATE TABLE damage (
    mirror INTEGER NOT NULL REFERENCES mirror (id),
    node INTEGER NOT NULL,
    from_rev INTEGER NOT NULL,
    content BLOB NOT NULL,
    found_at INTEGER NOT NULL,
    PRIMARY KEY (node, from_rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX damage_by_content ON damage (content, mirror);

-- What is not kept any more lacks nothing.
CREATE TRIGGER damage_goes_with_its_row AFTER DELETE ON entry
BEGIN
    DELETE FROM damage WHERE node = OLD.node AND from_rev = OLD.from_rev;
END;

-- How far the scrub has come: one row, of the file that was read last.
CREATE TABLE scrub (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 0),
    began_at INTEGER NOT NULL,
    total INTEGER NOT NULL,
    read INTEGER NOT NULL,
    node INTEGER NOT NULL,
    from_rev INTEGER NOT NULL
) STRICT;
