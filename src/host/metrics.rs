//! Figures for Prometheus, one registry for each host. Labels are words of this program only: routes, kinds, reasons; never what a client says.

use super::entrance::{Entrance, Turned};
use super::process;
use crate::base::log;
use crate::relay::Hub;
use crate::server::store::Totals;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Content type of what [`Metrics::text`] writes.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Bounds of the request times, in seconds: fine where a request should be, up to a long poll.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// The route of requests for nothing.
const ELSEWHERE: &str = "other";

type Labels = Vec<(&'static str, String)>;

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    Https,
    Rtmp,
    Rtmps,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Rtmp, Self::Rtmps];

    const fn label(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
        }
    }
}

/// Why somebody was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// As many connections as there may be.
    Full,
    /// As many connections from one address as there may be.
    Address,
    /// It had said nothing useful for longest when too many had not.
    Pending,
    /// Not a byte in time.
    Silent,
    /// Neither RTMP nor TLS nor HTTP.
    Garbage,
    /// A TLS handshake that failed.
    Handshake,
    /// RTMP in plain text where TLS is wanted.
    Plain,
    /// A stream that may not be published or played.
    Stream,
}

impl Reason {
    const ALL: [Self; 8] =
        [Self::Full, Self::Address, Self::Pending, Self::Silent, Self::Garbage, Self::Handshake, Self::Plain, Self::Stream];

    const fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Pending => "pending",
            Self::Silent => "silent",
            Self::Garbage => "garbage",
            Self::Handshake => "handshake",
            Self::Plain => "plain",
            Self::Stream => "stream",
        }
    }
}

impl From<Turned> for Reason {
    fn from(turned: Turned) -> Self {
        match turned {
            Turned::Full => Self::Full,
            Turned::TooManyFromThere => Self::Address,
        }
    }
}

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    open: [Gauge; Kind::ALL.len()],
    opened: [Counter; Kind::ALL.len()],
    refused: [Counter; Reason::ALL.len()],
    routes: Routes,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    slots: Vec<[OnceLock<Histogram>; 3]>,
    totals: Arc<Mutex<Totals>>,
}

/// A connection that is counted as open; not any more when dropped.
pub(super) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub fn new(hub: Hub, entrance: Arc<Entrance>) -> Self {
        let mut registry = Registry::default();
        let (open, opened, refused) =
            (Family::<Labels, Gauge>::default(), Family::<Labels, Counter>::default(), Family::default());
        let durations = Family::<Labels, Histogram, _>::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        registry.register("parlor_connections", "Open connections that have said what they carry", open.clone());
        registry.register("parlor_connections_opened", "Connections that have said what they carry", opened.clone());
        registry.register("parlor_refused", "Connections and streams turned away", Family::<Labels, Counter>::clone(&refused));
        registry.register(
            "parlor_http_request_duration_seconds",
            "Time to answer a request, long polls included",
            durations.clone(),
        );
        let totals = Arc::default();
        registry.register("parlor_build", "What runs here", Info::new(vec![("version", crate::version())]));
        registry.register_collector(Box::new(Present { hub, entrance, totals: Arc::clone(&totals) }));
        let routes = Routes::new();
        Self {
            open: Kind::ALL.map(|kind| open.get_or_create_owned(&vec![("kind", kind.label().to_owned())])),
            opened: Kind::ALL.map(|kind| opened.get_or_create_owned(&vec![("kind", kind.label().to_owned())])),
            refused: Reason::ALL.map(|reason| refused.get_or_create_owned(&vec![("reason", reason.label().to_owned())])),
            slots: (0..=routes.0.len()).map(|_| Default::default()).collect(),
            routes,
            durations,
            registry,
            totals,
        }
    }

    /// Counts a connection, as open until what is returned is dropped.
    pub fn opened(&self, kind: Kind) -> Open {
        let at = kind as usize;
        self.opened[at].inc();
        self.open[at].inc();
        Open(self.open[at].clone())
    }

    /// Whether connections that carry streams are open.
    pub fn streams_open(&self) -> bool {
        [Kind::Rtmp, Kind::Rtmps].into_iter().any(|kind| self.open[kind as usize].get() > 0)
    }

    /// Counts somebody who was turned away.
    pub fn refused(&self, reason: Reason) {
        self.refused[reason as usize].inc();
    }

    /// Counts a request for `path` that was answered with `status`.
    pub fn answered(&self, path: &str, status: u16, took: Duration) {
        let route = self.routes.of(path);
        let (class, label) = match status {
            ..400 => (0, "ok"),
            400..500 => (1, "refused"),
            500.. => (2, "failed"),
        };
        let slot = self.slots.get(route).and_then(|slots| slots.get(class));
        let Some(slot) = slot else { return };
        let histogram = slot.get_or_init(|| {
            let labels = vec![("route", self.routes.name(route).to_owned()), ("result", label.to_owned())];
            self.durations.get_or_create_owned(&labels)
        });
        histogram.observe(took.as_secs_f64());
    }

    /// Takes note of how many there are.
    pub fn set_totals(&self, totals: Totals) {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    /// All figures as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}

/// The routes of the API, known from its document, so that a request's room is no label.
struct Routes(Vec<Vec<String>>);

impl Routes {
    fn new() -> Self {
        #[derive(serde::Deserialize)]
        struct Document {
            paths: BTreeMap<String, serde::de::IgnoredAny>,
        }
        let document: Option<Document> = serde_json::from_str(crate::server::document()).ok();
        let paths = document.map(|document| document.paths).unwrap_or_default();
        Self(paths.into_keys().map(|path| path.split('/').map(str::to_owned).collect()).collect())
    }

    /// Which one a path is; one more than there are for nothing of ours.
    fn of(&self, path: &str) -> usize {
        let is_place = |part: &str| part.starts_with('{');
        let fits = |route: &[String]| {
            let mut given = path.split('/');
            let same = route.iter().all(|part| given.next().is_some_and(|given| is_place(part) || part == given));
            same && given.next().is_none()
        };
        let fitting = self.0.iter().enumerate().filter(|(_, route)| fits(route));
        // Words go before places: `/members/me` is not somebody called me.
        let best = fitting.min_by_key(|(_, route)| route.iter().filter(|part| is_place(part)).count());
        best.map_or(self.0.len(), |(at, _)| at)
    }

    fn name(&self, at: usize) -> String {
        self.0.get(at).map_or_else(|| ELSEWHERE.to_owned(), |route| route.join("/"))
    }
}

/// What is looked at only when somebody asks.
struct Present {
    hub: Hub,
    entrance: Arc<Entrance>,
    totals: Arc<Mutex<Totals>>,
}

impl fmt::Debug for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Present")
    }
}

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.hub.stats();
        let usage = process::usage();
        let totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gauge = |name: &str, help: &str, value: u64| {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
        };
        gauge("parlor_rooms", "Open rooms", totals.rooms as u64)?;
        gauge("parlor_members", "Members of open rooms", totals.members as u64)?;
        if let Some(audience) = totals.audience {
            gauge("parlor_audience", "Viewers of live rooms", audience as u64)?;
        }
        gauge("parlor_publishers", "Streams that are being published", stats.published as u64)?;
        gauge("parlor_readers", "Players of streams", stats.readers as u64)?;
        gauge("parlor_connections_all", "Open connections of all kinds", self.entrance.count() as u64)?;
        gauge(
            "parlor_connections_pending",
            "Open connections that have not yet said anything useful",
            self.entrance.pending() as u64,
        )?;
        if let Some(bytes) = usage.resident_bytes {
            gauge("process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        if let Some(files) = usage.open_files {
            gauge("process_open_fds", "Open files and connections", files)?;
        }
        let mut counter = |name: &str, help: &str, value: u64| {
            let value = ConstCounter::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
        };
        counter("parlor_media_received_packets", "Packets from publishers", stats.packets_in)?;
        counter("parlor_media_received_bytes", "Payload from publishers", stats.bytes_in)?;
        counter("parlor_media_sent_bytes", "Payload handed to readers", stats.bytes_out)?;
        let dropped = [stats.dropped.video, stats.dropped.audio, stats.dropped.data].iter().sum();
        counter("parlor_media_dropped_packets", "Packets left out for readers that fell behind", dropped)?;
        counter("parlor_log_lines_left_out", "Log lines of one kind that came too fast to be written", log::left_out())?;
        if let Some(seconds) = usage.cpu_s {
            let value = ConstCounter::new(seconds);
            value.encode(encoder.encode_descriptor("process_cpu_seconds", "Processor time", None, value.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requests_room_is_no_label() {
        let routes = Routes::new();
        for (path, name) in [
            ("/healthz", "/healthz"),
            ("/v1/rooms", "/v1/rooms"),
            ("/v1/rooms/abc", "/v1/rooms/{room}"),
            ("/v1/rooms/abc/members/me", "/v1/rooms/{room}/members/me"),
            ("/v1/rooms/abc/heartbeat", "/v1/rooms/{room}/heartbeat"),
            ("/", ELSEWHERE),
            ("/v1/rooms/abc/", ELSEWHERE),
            ("/etc/passwd", ELSEWHERE),
        ] {
            assert_eq!(routes.name(routes.of(path)), name, "{path}");
        }
    }

    #[test]
    fn what_happened_is_counted() {
        let entrance = Arc::new(Entrance::default());
        let metrics = Metrics::new(Hub::default(), entrance.clone());
        let _guest = entrance.admit("192.0.2.1".parse().unwrap(), &crate::host::Config::default().door).unwrap();
        drop(metrics.opened(Kind::Rtmp));
        let _open = metrics.opened(Kind::Rtmp);
        metrics.refused(Turned::Full.into());
        for (path, status) in [("/v1/rooms/a", 200), ("/v1/rooms/b", 200), ("/v1/rooms/b", 404), ("/x", 404)] {
            metrics.answered(path, status, Duration::from_millis(3));
        }
        metrics.set_totals(Totals { rooms: 1, members: 2, audience: Some(3) });
        let text = metrics.text().unwrap();
        for line in [
            "parlor_connections{kind=\"rtmp\"} 1",
            "parlor_connections_opened_total{kind=\"rtmp\"} 2",
            "parlor_connections_all 1",
            "parlor_connections_pending 1",
            "parlor_refused_total{reason=\"full\"} 1",
            "parlor_refused_total{reason=\"garbage\"} 0",
            "parlor_http_request_duration_seconds_count{route=\"/v1/rooms/{room}\",result=\"ok\"} 2",
            "parlor_http_request_duration_seconds_bucket{le=\"0.005\",route=\"/v1/rooms/{room}\",result=\"refused\"} 1",
            "parlor_http_request_duration_seconds_count{route=\"other\",result=\"refused\"} 1",
            "parlor_members 2",
            "parlor_audience 3",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} in\n{text}");
        }
    }
}
