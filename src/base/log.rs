//! Logging for the three programs: to standard error, pretty or as JSON, filtered by severity; `PARLOR_LOG` sets the filter where nothing
//! else does (`info` unless set). The filter can be changed while the program runs.

use crate::base::settings::{Word, choices};
use std::fmt;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt as _;
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
    // A second initialisation fails, and the first one stays: exactly what is wanted.
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
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
    fn filters_are_levels_or_name_modules() {
        for good in ["off", "info", "trace", "info,parlor::relay=debug", "parlor=debug,hyper=warn", "warn,parlor[peer]=trace"] {
            assert_eq!(Filter::read(good).unwrap().show(), good);
        }
        for bad in ["", "inof", "INFO!", "loud", "info;debug", "parlor=loud"] {
            assert!(Filter::read(bad).is_none(), "{bad}");
        }
    }
}
