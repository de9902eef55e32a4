-- A directory that turns up elsewhere is looked for by its inode. docs/SNAPSHOT.md says what every column means.

-- Of directories only, as `entry_id`: a file's inode is compared where its content is.
CREATE INDEX entry_inode ON entry (inode) WHERE id IS NOT NULL;
