-- What rounds learn, hold and report. docs/SNAPSHOT.md says what every table and column means; keep both together.

-- Paths of directories are shown (the oldest unverified), and mount points are known by their directories' numbers.
-- Of directories only: about one byte a file.
CREATE INDEX entry_id ON entry (id) WHERE id IS NOT NULL;

ALTER TABLE filesystem ADD COLUMN inode_rounds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE filesystem ADD COLUMN ctime_rounds INTEGER NOT NULL DEFAULT 0;

-- Version 1 made the tables below with another shape and never wrote a row into them.

-- A round is known by when it was recorded, for clocks go back; and it is recorded at its end, in one write.
DROP TABLE round;
CREATE TABLE round (
    number   INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL UNIQUE,
    started  INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    exit     INTEGER NOT NULL,
    summary  TEXT    NOT NULL
) STRICT;

-- A path that stood still since it was last tried need not wait: `last_try`.
DROP TABLE postponed;
CREATE TABLE postponed (
    path     BLOB    NOT NULL PRIMARY KEY,
    kind     INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    last_try INTEGER NOT NULL,
    next_try INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An approved list stays beside the one that is held now, so that changes belong to a list and the decision to it.
DROP TABLE held;
DROP TABLE approval;
CREATE TABLE held_list (
    number   INTEGER PRIMARY KEY,
    digest   BLOB    NOT NULL UNIQUE,
    since    INTEGER NOT NULL,
    decision INTEGER,
    decided  INTEGER
) STRICT;

CREATE TABLE held_change (
    list   INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    change BLOB    NOT NULL,
    files  INTEGER NOT NULL,
    PRIMARY KEY (list, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE let_go (
    number  INTEGER PRIMARY KEY,
    digest  BLOB    NOT NULL UNIQUE,
    decided INTEGER NOT NULL
) STRICT;

CREATE TABLE released (
    number INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    files  INTEGER NOT NULL
) STRICT;
