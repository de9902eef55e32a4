-- When a client was last let in, and invitations: one-time secrets that a client trades for a token. Of a secret only
-- its hash is kept. From now on `revoked_at` of a token may lie in the future: rotation lets the old one go on for a while.
ALTER TABLE client ADD COLUMN last_seen INTEGER;   -- NULL: never; to the minute

CREATE TABLE invite (
    secret_hash   BLOB PRIMARY KEY,                -- BLAKE3 of the secret
    client        TEXT NOT NULL REFERENCES client (name) ON DELETE CASCADE,
    created       INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    access        TEXT NOT NULL,                   -- of the token that it is good for, as there
    token_expires INTEGER,                         -- when that token ends; NULL: never
    used_at       INTEGER                          -- NULL: open
) STRICT, WITHOUT ROWID;

CREATE INDEX invite_by_client ON invite (client);
