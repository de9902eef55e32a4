//! snapshot_db.
