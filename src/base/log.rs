//! Logging for the three programs: to standard error, filtered by `PARLOR_LOG` (`info` unless set).

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Sends log lines to standard error. Later calls change nothing.
pub fn init(format: Format) {
    let filter = EnvFilter::try_from_env("PARLOR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second initialisation fails, and the first one stays: exactly what is wanted.
    let _ = match format {
        Format::Pretty => builder.try_init(),
        Format::Json => builder.json().try_init(),
    };
}
