//! Which revisions are due, given up, or kept; and how long this catalog has been in service.

use std::time::Duration;

use protocol::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::catalog::row::{signed, unsigned};
use crate::catalog::{Catalog, CatalogError, MirrorId, VersionId};

/// A kept revision that is not the head any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Superseded {
    /// Its number.
    pub(crate) number: u64,
    /// When it became the head.
    pub(crate) committed: Timestamp,
    /// When it ceased to be that.
    pub(crate) superseded: Timestamp,
    /// Since when it is due, in time of service.
    pub(crate) due_since: Option<Duration>,
}

/// Something kept that is no part of any revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Its number.
    pub(crate) id: VersionId,
    /// Since when it is kept.
    pub(crate) kept_at: Timestamp,
    /// Since when it is due, in time of service.
    pub(crate) due_since: Option<Duration>,
}

/// What a look at something old comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is to be kept.
    Not,
    /// It was found due at this time of service.
    Since(Duration),
    /// It has been due for long enough.
    GivenUp,
}

/// Revisions without a tree, between two kept ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The kept revision before them.
    pub(crate) after: u64,
    /// The kept revision after them.
    pub(crate) until: u64,
}

impl Catalog {
    /// How long this catalog has been in service until now: time since its first boot began to be counted, but for the
    /// spans in which the machine was off. No clock on any wall has a part in it. Nothing if less than a pause has passed
    /// since it was last asked in this boot.
    pub(crate) fn time_of_service(
        &mut self,
        boot: &[u8],
        since_boot: Duration,
        pause: Duration,
    ) -> Result<Option<Duration>, CatalogError> {
        let transaction = self.connection.transaction()?;
        let sql = "SELECT boot, since_boot, total FROM service";
        let last: Option<(Vec<u8>, i64, i64)> =
            transaction.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let uptime = nanos(since_boot);
        let total = match last {
            None => 0,
            Some((same, then, _)) if same == boot && (then..then.saturating_add(nanos(pause))).contains(&uptime) => {
                return Ok(None);
            }
            Some((same, then, total)) if same == boot && then <= uptime => total.saturating_add(uptime - then),
            Some((_, _, total)) => total.saturating_add(uptime),
        };
        transaction.execute("DELETE FROM service", [])?;
        transaction.execute("INSERT INTO service VALUES (?1, ?2, ?3)", params![boot, uptime, total])?;
        transaction.commit()?;
        Ok(Some(Duration::from_nanos(unsigned(total))))
    }

    /// Kept revisions after a number that are not the head, in order. The first one, of an empty tree, is not among them.
    pub(crate) fn superseded(&self, mirror: MirrorId, after: u64, limit: u32) -> Result<Vec<Superseded>, CatalogError> {
        let sql = "SELECT old.number, old.committed_at, new.committed_at, old.due_since FROM revision AS old \
                   JOIN revision AS new ON new.mirror = old.mirror AND new.number = old.number + 1 \
                   WHERE old.mirror = ?1 AND old.number > ?2 AND old.thinned = 0 ORDER BY old.number LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map((mirror, signed(after), limit), |row| {
            Ok(Superseded {
                number: unsigned(row.get(0)?),
                committed: Timestamp::from_nanos(row.get(1)?),
                superseded: Timestamp::from_nanos(row.get(2)?),
                due_since: duration(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes what became of revisions.
    pub(crate) fn set_due(&mut self, mirror: MirrorId, dues: &[(u64, Due)]) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        for (number, due) in dues {
            let sql = "UPDATE revision SET due_since = ?3, thinned = ?4 \
                       WHERE mirror = ?1 AND number = ?2 AND thinned = 0 AND number > 0 \
                       AND number < (SELECT max(number) FROM revision WHERE mirror = ?1)";
            let (since, thinned) = match due {
                Due::Not => (None, 0),
                Due::Since(since) => (Some(nanos(*since)), 0),
                Due::GivenUp => (None, 1),
            };
            transaction.prepare_cached(sql)?.execute(params![mirror, signed(*number), since, thinned])?;
        }
        Ok(transaction.commit()?)
    }

    /// Foreign things after a number, in order.
    pub(crate) fn foreign(&self, after: VersionId, limit: u32) -> Result<Vec<Foreign>, CatalogError> {
        let sql = "SELECT id, kept_at, due_since FROM version WHERE node IS NULL AND id > ?1 ORDER BY id LIMIT ?2";
        self.foreign_by(sql, params![after, limit])
    }

    /// The foreign thing that is kept for the longest time.
    pub(crate) fn oldest_foreign(&self) -> Result<Option<Foreign>, CatalogError> {
        let sql = "SELECT id, kept_at, due_since FROM version WHERE node IS NULL ORDER BY kept_at LIMIT 1";
        Ok(self.foreign_by(sql, [])?.pop())
    }

    fn foreign_by(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Foreign>, CatalogError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, |row| {
            let (id, due_since) = (row.get(0)?, duration(row.get(2)?));
            Ok(Foreign { id, kept_at: Timestamp::from_nanos(row.get(1)?), due_since })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes what became of foreign things.
    pub(crate) fn set_foreign_due(&mut self, dues: &[(VersionId, Due)]) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        let mark = "UPDATE version SET due_since = ?2 WHERE id = ?1 AND node IS NULL";
        for (id, due) in dues {
            match due {
                Due::Not => transaction.prepare_cached(mark)?.execute(params![id, None::<i64>])?,
                Due::Since(since) => transaction.prepare_cached(mark)?.execute(params![id, nanos(*since)])?,
                Due::GivenUp => super::forget::discard_version(&transaction, *id)?,
            };
        }
        Ok(transaction.commit()?)
    }

    /// A span of revisions that are given up, and not yet forgotten.
    pub(crate) fn next_gap(&self, mirror: MirrorId) -> Result<Option<Gap>, CatalogError> {
        let sql = "SELECT \
                       (SELECT max(number) FROM revision WHERE mirror = ?1 AND thinned = 0 AND number < given_up.number), \
                       (SELECT min(number) FROM revision WHERE mirror = ?1 AND thinned = 0 AND number > given_up.number) \
                   FROM (SELECT number FROM revision WHERE mirror = ?1 AND thinned = 1 ORDER BY number LIMIT 1) AS given_up";
        let gap: Option<(Option<i64>, Option<i64>)> = self
            .connection
            .prepare_cached(sql)?
            .query_row((mirror,), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match gap {
            None => Ok(None),
            Some((Some(after), Some(until))) => Ok(Some(Gap { after: unsigned(after), until: unsigned(until) })),
            Some(_) => Err(CatalogError::Damaged("a given up revision that is the first or the head".to_owned())),
        }
    }

    /// Nothing is left of the revisions in a gap.
    pub(crate) fn close_gap(&mut self, mirror: MirrorId, gap: Gap) -> Result<(), CatalogError> {
        let sql = "UPDATE revision SET thinned = 2 WHERE mirror = ?1 AND thinned = 1 AND number > ?2 AND number < ?3";
        self.connection.execute(sql, params![mirror, signed(gap.after), signed(gap.until)])?;
        Ok(())
    }

    /// What everything among the versions takes, in bytes.
    pub(crate) fn history_bytes(&self) -> Result<u64, CatalogError> {
        let bytes = self.connection.prepare_cached("SELECT bytes FROM history")?.query_row([], |row| row.get(0))?;
        Ok(unsigned(bytes))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn duration(nanos: Option<i64>) -> Option<Duration> {
    nanos.map(|nanos| Duration::from_nanos(unsigned(nanos)))
}
