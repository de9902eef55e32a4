-- The snapshot's first schema. docs/SNAPSHOT.md says what every table and column means; keep both together.

PRAGMA application_id = 1919907182; -- "roun"

CREATE TABLE entry (
    directory    INTEGER NOT NULL,
    name         BLOB    NOT NULL,
    id           INTEGER,
    inode        INTEGER,
    -- what the receiver acknowledged; all NULL if nothing
    kind         INTEGER,
    mode         INTEGER,
    mtime        INTEGER,
    uid          INTEGER,
    gid          INTEGER,
    attributes   BLOB,
    size         INTEGER,
    content      BLOB,
    target       BLOB,
    -- what was last read; all NULL if never. The first four are also NULL where the columns above say the same.
    read_inode   INTEGER,
    read_size    INTEGER,
    read_mtime   INTEGER,
    read_content BLOB,
    read_ctime   INTEGER,
    fingerprint  BLOB,
    boot         INTEGER,
    first_seen   INTEGER,
    trust        INTEGER,
    verified     INTEGER,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE boot (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE state (
    key   TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE filesystem (
    number      INTEGER PRIMARY KEY,
    identity    BLOB NOT NULL UNIQUE,
    granularity INTEGER
) STRICT;

CREATE TABLE mount_point (
    directory  INTEGER PRIMARY KEY,
    filesystem INTEGER NOT NULL
) STRICT;

CREATE TABLE chunk_list (
    content    BLOB    NOT NULL,
    chunker    INTEGER NOT NULL,
    parameters BLOB    NOT NULL,
    length     INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    list       BLOB    NOT NULL,
    PRIMARY KEY (content)
) STRICT;

CREATE TABLE round (
    id       BLOB    NOT NULL PRIMARY KEY,
    started  INTEGER NOT NULL,
    finished INTEGER,
    exit     INTEGER,
    summary  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE postponed (
    path     BLOB    NOT NULL PRIMARY KEY,
    kind     INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    next_try INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
    path   BLOB    NOT NULL PRIMARY KEY,
    change BLOB    NOT NULL,
    files  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
    digest  BLOB    NOT NULL PRIMARY KEY,
    allowed INTEGER NOT NULL,
    decided INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
