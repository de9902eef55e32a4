-- Who may talk to this receiver. Tokens themselves are not kept: a row is what a signed token refers to.
CREATE TABLE client (
    name    TEXT PRIMARY KEY,
    created INTEGER NOT NULL          -- nanoseconds since 1970, as all times here
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    jti        TEXT PRIMARY KEY,
    client     TEXT NOT NULL REFERENCES client (name) ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    expires    INTEGER,               -- NULL: never
    access     TEXT NOT NULL,         -- 'full' or 'read-only'
    revoked_at INTEGER                -- NULL: not revoked
) STRICT, WITHOUT ROWID;

CREATE INDEX token_by_client ON token (client);
