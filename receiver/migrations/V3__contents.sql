-- A content that very many rows share is looked up without going through them: current rows lie together, and first.

DROP INDEX entry_by_content;
CREATE INDEX entry_by_content ON entry (content, to_rev) WHERE content IS NOT NULL;
