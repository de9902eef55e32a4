-- When a client was last let in, and invitations: one-time secrets that a client trades for a token. Of a secret only
-- its hash is kept. And until when a token goes on beside the one that took its place. What is revoked is out whatever
-- the clock says: `revoked_at` is only to be shown.
ALTER TABLE client ADD COLUMN last_seen INTEGER;   -- NULL: never; to the minute
ALTER TABLE token ADD COLUMN ends INTEGER;         -- NULL: no other took its place

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
