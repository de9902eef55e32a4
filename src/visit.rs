//! [`Visit`]: one mirror made ready for rounds: locked, its snapshot open, the way to its receiver known.

use std::collections::HashSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use protocol::{Change, Lineage, RelPath, wire};
use receiver::Keeping;
use scanner::{BrakeRules, Filter, FilterRules, MOST_IN_MEMORY, Rules, marker_name};
use seams::clock::{Clock, SystemClock};
use seams::disk::Disk;
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::random::{Random, SystemRandom, id};
use seams::scratch::Scratch;
use snapshot_db::{Opened, RoundRecord, ScratchDatabase, Snapshot, SnapshotError};
use uploader::{Caller, Pace, RetryPolicy, Timetable, Transport};

use crate::exit::{Exit, Failure};
use crate::mirror_lock::MirrorLock;
use crate::moments::local_offset;
use crate::output::Summary;
use crate::reach;
use crate::round::{Beat, Delivering, Report, RoundRules};
use crate::route::{Route, locked, shown};
use crate::settings::MirrorSettings;
use crate::settings::value::To;
use crate::stop::Stop;
use crate::way::Way;

/// What each request that carries contents shall have of a limited rate: a receiver gives up on less than 1 KiB/s.
const LEAST_BYTES_PER_SECOND: u64 = 8 * 1024;

/// A mirror that rounds can be made of.
#[derive(Debug)]
pub(crate) struct Visit {
    route: Route,
    filter: Filter,
    snapshot: Snapshot,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    host: String,
    settings: MirrorSettings,
    threads: Parallel,
    /// Released last.
    _lock: MirrorLock,
}

impl Visit {
    /// Takes the lock and opens everything.
    ///
    /// # Errors
    /// Another round is running; something cannot be opened or made.
    pub(crate) fn open(route: Route, settings: &MirrorSettings, threads: usize) -> Result<Self, Failure> {
        Self::open_keeping(route, settings, threads, Keeping::default())
    }

    /// The same; a receiver inside this command keeps this; otherwise it forgets nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_keeping(
        route: Route,
        settings: &MirrorSettings,
        threads: usize,
        keeping: Keeping,
    ) -> Result<Self, Failure> {
        let filter = filter(&route, settings)?;
        make_state_directory(&route.state)?;
        let lock = MirrorLock::take(&route.state).map_err(|error| unusable(&route.state, &error))?;
        let lock = lock.ok_or_else(|| locked(&route.mirror))?;
        let snapshot = open_snapshot(&route)?;
        check_destination(&route, &snapshot, settings)?;
        let (clock, threads) = (Arc::new(SystemClock::new()), Parallel::new(threads));
        let pace = pace(settings, clock.clone());
        let transport = reach::transport(&route.to, settings.token_file.as_deref(), pace, keeping)?;
        let settings = settings.clone();
        Ok(Self { route, filter, snapshot, transport, clock, host: host_name(), settings, threads, _lock: lock })
    }

    /// Makes one round; of a plan, where a person asked for its changes only.
    pub(crate) fn round(&self, only: Option<HashSet<Change>>, stop: &Stop, progress: &dyn Progress) -> Report {
        let caller = self.caller(stop);
        let delivering = Delivering {
            caller: &caller,
            random: &SystemRandom,
            transfers: Parallel::new(transfers(&self.settings)),
            processors: self.threads.threads(),
            compression: self.settings.compression_level,
        };
        let looking = Looking {
            route: &self.route,
            host: &self.host,
            filter: &self.filter,
            snapshot: &self.snapshot,
            scratch: Arc::new(ScratchDatabase::at(self.route.scratch())),
            threads: self.threads,
        };
        let rules = rules(&self.settings, only);
        looking.beat(&*self.clock, &self.settings, &rules, &stop.flag(), progress).round(&delivering)
    }

    /// A caller with one round's patience.
    pub(crate) fn caller(&self, stop: &Stop) -> Caller {
        let patience = self.settings.retry_for;
        let policy =
            RetryPolicy { budget: patience.get(), refused_budget: patience.if_refused(), ..RetryPolicy::default() };
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        Caller::new(Arc::clone(&self.transport), Arc::clone(&self.clock), random, policy, stop.flag())
    }

    /// Remembers how a round went, and what it was asked to do: `status` and `why` tell it later. Where that fails the
    /// round was none the worse.
    pub(crate) fn record(&self, round: wire::Round, exit: Exit, summary: &Summary) {
        if let Err(error) = self.try_record(round, exit, summary) {
            tracing::warn!(%error, "how the round went cannot be recorded");
        }
    }

    fn try_record(&self, round: wire::Round, exit: Exit, summary: &Summary) -> Result<(), SnapshotError> {
        self.snapshot.set_way(&Way::of(&self.route, &self.settings).encode())?;
        let wire::Round { id, started } = round;
        let (finished, exit, summary) = (self.clock.now(), exit.code(), summary.to_json());
        self.snapshot.record_round(&RoundRecord { id, started, finished, exit, summary })
    }

    /// What the client remembers of this mirror.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// From where to where.
    pub(crate) fn route(&self) -> &Route {
        &self.route
    }
}

/// What a round would do. Opens the snapshot without making or changing any file, and asks nobody.
///
/// # Errors
/// The snapshot, or a filter, cannot be read.
pub(crate) fn dry_run(
    route: &Route,
    settings: &MirrorSettings,
    threads: usize,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let filter = filter(route, settings)?;
    let recorded = Snapshot::open_read_only(&route.snapshot())?;
    let snapshot = recorded.unwrap_or_else(|| Snapshot::in_memory(new_lineage()));
    let host = host_name();
    let threads = Parallel::new(threads);
    let scratch = Arc::new(ScratchDatabase::unnamed());
    let looking = Looking { route, host: &host, filter: &filter, snapshot: &snapshot, scratch, threads };
    let rules = rules(settings, None);
    Ok(looking.beat(&SystemClock::new(), settings, &rules, &stop.flag(), progress).dry_run())
}

/// What a look at the source needs, in a round and in a dry run alike.
struct Looking<'a> {
    route: &'a Route,
    host: &'a str,
    filter: &'a Filter,
    snapshot: &'a Snapshot,
    scratch: Arc<dyn Scratch>,
    threads: Parallel,
}

impl<'a> Looking<'a> {
    fn beat(
        &'a self,
        clock: &'a dyn Clock,
        settings: &MirrorSettings,
        rules: &'a RoundRules,
        stop: &'a AtomicBool,
        progress: &'a dyn Progress,
    ) -> Beat<'a> {
        Beat {
            fs: &Disk,
            clock,
            mirror: &self.route.mirror,
            source: &self.route.source,
            host: self.host,
            snapshot: self.snapshot,
            scratch: &self.scratch,
            most_in_memory: MOST_IN_MEMORY,
            filter: self.filter,
            one_file_system: settings.one_file_system,
            rules,
            stop,
            threads: self.threads,
            progress,
        }
    }
}

/// How rounds are made, as the settings say.
fn rules(settings: &MirrorSettings, only: Option<HashSet<Change>>) -> RoundRules {
    RoundRules {
        look: Rules {
            full: settings.full,
            settle: settings.settle.get(),
            delete_excluded: settings.delete_excluded,
            ignore_inodes: settings.ignore_inodes,
            ignore_ctimes: settings.ignore_ctimes,
            ..Rules::default()
        },
        brake: BrakeRules {
            max_delete: settings.max_delete,
            max_overwrite: settings.max_overwrite,
            hold_silent: settings.hold_silent,
        },
        scrub: settings.scrub,
        lists: settings.chunk_lists,
        marker: settings.marker,
        adopt: settings.adopt,
        accept_root: settings.accept_root,
        only,
    }
}

fn filter(route: &Route, settings: &MirrorSettings) -> Result<Filter, Failure> {
    let rules = FilterRules {
        exclude: settings.exclude.clone(),
        ignore_files: settings.ignore_file.clone(),
        include: settings.include.clone(),
    };
    filter_of(route, &rules)
}

/// What rounds of a route leave out, under these rules.
///
/// # Errors
/// A rule, or a file of them, cannot be used.
pub(crate) fn filter_of(route: &Route, rules: &FilterRules) -> Result<Filter, Failure> {
    let unusable = |error| {
        Failure::new(Exit::Usage, error)
            .hint("patterns are in gitignore syntax, such as `*.tmp`, `/cache/` or `!keep.tmp`")
    };
    let filter = Filter::new(rules).map_err(unusable)?;
    let marker = RelPath::root().join(&marker_name()).expect("a short name in the root is a path");
    Ok(filter.and_always(route.own_directory()).and_always(Some(marker)))
}

fn open_snapshot(route: &Route) -> Result<Snapshot, Failure> {
    let Opened { snapshot, set_aside } = Snapshot::open(&route.snapshot(), new_lineage())?;
    if let Some(aside) = set_aside {
        tracing::warn!("the snapshot was damaged and is kept as {}; a new one is built", shown(&aside));
    }
    Ok(snapshot)
}

/// A local destination that was there in an earlier round and now lacks everything of the receiver's is most likely a
/// disk that is not mounted; it is not filled anew unless a person says so.
fn check_destination(route: &Route, snapshot: &Snapshot, settings: &MirrorSettings) -> Result<(), Failure> {
    let To::Directory(data) = &route.to else { return Ok(()) };
    let was_there = snapshot.standing()?.store.is_some() && snapshot.counts()?.entries > 0;
    if settings.adopt || !was_there || data.join(".roundsman").exists() {
        return Ok(());
    }
    let message = anyhow::anyhow!("the destination {} has no mirrors any more", shown(data));
    Err(Failure::new(Exit::Failed, message).hint("is its disk mounted? To make the mirror anew, say so: --adopt"))
}

/// Who nobody was yet.
pub(crate) fn new_lineage() -> Lineage {
    Lineage::from_bytes(id(&SystemRandom))
}

/// How many requests carry contents at once: never so many that a limited rate leaves each of them next to nothing.
pub(crate) fn transfers(settings: &MirrorSettings) -> usize {
    let slowest = settings.limit_rate.as_ref().and_then(Timetable::slowest);
    let enough = slowest
        .map_or(usize::MAX, |rate| usize::try_from(rate.bytes() / LEAST_BYTES_PER_SECOND).unwrap_or(usize::MAX).max(1));
    settings.transfers.get().min(enough)
}

pub(crate) fn pace(settings: &MirrorSettings, clock: Arc<dyn Clock>) -> Option<Arc<Pace>> {
    let timetable = settings.limit_rate.clone()?;
    Some(Arc::new(Pace::new(timetable, clock, local_offset)))
}

fn make_state_directory(state: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state);
    made.map_err(|error| unusable(state, &error))
}

fn unusable(state: &Path, error: &std::io::Error) -> Failure {
    let message = format!("the state directory {} cannot be used: {error}", shown(state));
    Failure::usage(message).hint("name one that can be written to: --state-dir DIR")
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
