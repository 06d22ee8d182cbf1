//! Logging for the three programs: to standard error, pretty or as JSON, filtered by severity; `PARLOR_LOG` sets the filter where nothing
//! else does (`info` unless set). The filter can be changed while the program runs.

use crate::base::settings::{Word, choices};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;
use std::{fmt, io};
use tracing::callsite::Identifier;
use tracing::{Event, Metadata};
use tracing_subscriber::layer::{Context, Filter as LineFilter, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt as lines, reload};

/// The environment variable with the filter.
pub const VARIABLE: &str = "PARLOR_LOG";

choices! {
    /// How log lines look.
    #[derive(Default)]
    pub enum Format, "pretty or json" {
        /// For people.
        #[default]
        Pretty = "pretty",
        /// One JSON object a line, for log collectors.
        Json = "json",
    }
}

/// Which lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

impl Default for Filter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl Filter {
    /// What `PARLOR_LOG` says, if it says something.
    pub fn from_environment() -> Option<Self> {
        std::env::var(VARIABLE).ok().and_then(|filter| Self::read(&filter))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Word for Filter {
    const NAME: &'static str = "LEVEL";
    const ALLOWED: &'static str = "off, error, warn, info, debug, trace, or a filter such as info,parlor::relay=debug";

    fn read(word: &str) -> Option<Self> {
        // A lone word that is no level would be the name of a module, and a slip of the pen nobody notices.
        let known = |part: &str| part.contains('=') || ["off", "error", "warn", "info", "debug", "trace"].contains(&part);
        let fits = word.split(',').all(known) && EnvFilter::try_new(word).is_ok();
        fits.then(|| Self(word.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Lines of one kind that are written at once after a rest.
const BURST: f64 = 100.0;
/// Lines of one kind that are written a second in the long run: strangers can make lines, and a disk has an end.
const PER_SECOND: f64 = 10.0;

static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// How many lines were left out because too many of their kind came.
pub fn left_out() -> u64 {
    LEFT_OUT.load(Ordering::Relaxed)
}

/// Lets through so many lines of each place in the program; what is more detailed than `info` is only written by whoever asked for it, and passes.
#[derive(Debug, Default)]
struct Sparing(Mutex<HashMap<Identifier, (f64, Instant)>>);

impl Sparing {
    fn lets_through(&self, line: Identifier, now: Instant) -> bool {
        // As many places as the program has.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = places.entry(line).or_insert((BURST, now));
        *left = (*left + now.duration_since(*at).as_secs_f64() * PER_SECOND).min(BURST);
        *at = now;
        let enough = *left >= 1.0;
        if enough {
            *left -= 1.0;
        } else {
            LEFT_OUT.fetch_add(1, Ordering::Relaxed);
        }
        enough
    }
}

impl<S> LineFilter<S> for Sparing {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let about = event.metadata();
        *about.level() > tracing::Level::INFO || self.lets_through(about.callsite(), Instant::now())
    }
}

/// Lines that are kept for whoever asks for help, and their length in all.
const KEPT_LINES: usize = 2000;
const KEPT_BYTES: usize = 256 * 1024;

static RECENT: Mutex<Recent> = Mutex::new(Recent { lines: VecDeque::new(), bytes: 0 });

/// The newest lines, oldest first.
pub fn recent() -> Vec<String> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
}

/// Keeps the newest lines.
#[derive(Debug)]
struct Recent {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Recent {
    fn keep(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            self.bytes -= self.lines.pop_front().map_or(self.bytes, |line| line.len());
        }
    }
}

/// Takes one line of the log, which is written in one piece.
struct Keeper;

impl io::Write for Keeper {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        RECENT.lock().unwrap_or_else(PoisonError::into_inner).keep(text);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static CHANGE: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sends log lines to standard error. Later calls change nothing.
pub fn init(format: Format) {
    start(format, &Filter::from_environment().unwrap_or_default());
}

/// As [`init`], with this filter.
pub fn start(format: Format, filter: &Filter) {
    let (filter, change) = reload::Layer::new(EnvFilter::new(&filter.0));
    let lines = lines::layer().with_writer(std::io::stderr);
    let lines = match format {
        Format::Pretty => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let kept = lines::layer().with_ansi(false).with_writer(|| Keeper).with_filter(Sparing::default());
    // A second initialisation fails, and the first one stays: exactly what is wanted.
    if tracing_subscriber::registry().with(filter).with(lines.with_filter(Sparing::default())).with(kept).try_init().is_ok() {
        let _ = CHANGE.set(change);
    }
}

/// From now on, writes the lines that `filter` lets through.
pub fn set_filter(filter: &Filter) {
    if let Some(change) = CHANGE.get()
        && let Err(error) = change.reload(EnvFilter::new(&filter.0))
    {
        tracing::error!(%error, "the log's filter stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_of_line_is_cut_and_other_kinds_are_not() {
        let kinds: Vec<Identifier> = Kinds::default().of(|| {
            tracing::info!("a flood");
            tracing::info!("something else");
        });
        let (sparing, now) = (Sparing::default(), Instant::now());
        let before = left_out();
        assert_eq!((0..10_000).filter(|_| sparing.lets_through(kinds[0].clone(), now)).count(), BURST as usize);
        assert!(left_out() - before >= 10_000 - BURST as u64);
        assert!(sparing.lets_through(kinds[1].clone(), now));
        let later = now + std::time::Duration::from_secs(2);
        assert_eq!((0..100).filter(|_| sparing.lets_through(kinds[0].clone(), later)).count(), 20);
    }

    #[test]
    fn the_newest_lines_are_kept_and_not_all() {
        let mut recent = Recent { lines: VecDeque::new(), bytes: 0 };
        (0..KEPT_LINES + 10).for_each(|i| recent.keep(i.to_string()));
        assert_eq!((recent.lines.len(), recent.lines[0].as_str()), (KEPT_LINES, "10"));
        recent.keep("x".repeat(KEPT_BYTES - 3));
        recent.keep("last".into());
        assert_eq!(recent.lines, ["last"], "one long line makes room for the next");
        assert_eq!(recent.bytes, 4);
    }

    /// Collects the places that lines come from.
    #[derive(Clone, Default)]
    struct Kinds(std::sync::Arc<Mutex<Vec<Identifier>>>);

    impl Kinds {
        fn of(&self, say: impl FnOnce()) -> Vec<Identifier> {
            tracing::subscriber::with_default(tracing_subscriber::registry().with(self.clone()), say);
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Kinds {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(event.metadata().callsite());
        }
    }

    #[test]
    fn filters_are_levels_or_name_modules() {
        for good in ["off", "info", "trace", "info,parlor::relay=debug", "parlor=debug,hyper=warn", "warn,parlor[peer]=trace"] {
            assert_eq!(Filter::read(good).unwrap().show(), good);
        }
        for bad in ["", "inof", "INFO!", "loud", "info;debug", "parlor=loud"] {
            assert!(Filter::read(bad).is_none(), "{bad}");
        }
    }
}
