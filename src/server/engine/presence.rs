//! Which streams flow, by what the engine has said: in its callbacks, and when it was asked. Pure; time is an argument.

use super::look::Look;
use std::collections::HashMap;
use std::time::Duration;

/// What a callback said counts for so long, unless another one confirms it: three of nginx's updates, which come every 30 s.
const TRUST: Duration = Duration::from_secs(90);
/// Two looks at a stream must be this far apart to tell whether bytes have come in between. Members are looked at every 5 s.
const APART: Duration = Duration::from_secs(4);
/// Connections that publish one stream: the present one, and broken ones that the engine has not noticed yet.
const CONNECTIONS: usize = 4;
/// Streams that are remembered. When there are more, those that nobody has spoken of for [`TRUST`] go.
const STREAMS: usize = 65_536;

/// The streams that flow.
#[derive(Debug, Default)]
pub(super) struct Presence {
    streams: HashMap<String, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    /// Connections that publish it, and when they were last spoken of.
    connections: Vec<(String, Duration)>,
    /// The bytes that had come in at that time.
    bytes: Option<(u64, Duration)>,
}

impl Presence {
    /// A connection publishes a stream, or still does.
    pub(super) fn publishes(&mut self, stream: &str, client: &str, now: Duration) {
        if self.streams.len() >= STREAMS && !self.streams.contains_key(stream) {
            self.streams.retain(|_, stream| stream.is_trusted(now));
            if self.streams.len() >= STREAMS {
                return tracing::warn!(stream, "more streams than can be remembered");
            }
        }
        let connections = &mut self.streams.entry(stream.to_owned()).or_default().connections;
        connections.retain(|(known, _)| known != client);
        if connections.len() == CONNECTIONS {
            connections.remove(0);
        }
        connections.push((client.to_owned(), now));
    }

    /// A connection no longer publishes a stream. Whether nobody does any more: a second connection may have asked for a stream that the
    /// first one still has, and have been turned away by the engine itself.
    pub(super) fn published(&mut self, stream: &str, client: &str, now: Duration) -> bool {
        let Some(known) = self.streams.get_mut(stream) else { return true };
        known.connections.retain(|(connection, _)| connection != client);
        let over = !known.is_trusted(now);
        if over {
            self.streams.remove(stream);
        }
        over
    }

    /// Whether a stream flows, by what callbacks said.
    pub(super) fn flows(&self, stream: &str, now: Duration) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.is_trusted(now))
    }

    /// Whether a stream flows, by what the engine has just said of it: somebody publishes it, and bytes have come since the last look.
    pub(super) fn looked(&mut self, stream: &str, look: Option<&Look>, now: Duration) -> bool {
        let Some(look) = look.filter(|look| look.publishing) else {
            self.streams.remove(stream);
            return false;
        };
        let Some(known) = self.streams.get_mut(stream) else {
            self.publishes(stream, "", now);
            self.streams.entry(stream.to_owned()).and_modify(|stream| stream.bytes = Some((look.bytes, now)));
            return true;
        };
        match known.bytes {
            Some((bytes, at)) if now.saturating_sub(at) >= APART => {
                known.bytes = Some((look.bytes, now));
                bytes != look.bytes
            }
            Some(_) => true,
            None => {
                known.bytes = Some((look.bytes, now));
                true
            }
        }
    }

    /// A stream was ended.
    pub(super) fn forget(&mut self, stream: &str) {
        self.streams.remove(stream);
    }
}

impl Stream {
    fn is_trusted(&self, now: Duration) -> bool {
        self.connections.iter().any(|(_, heard)| *heard + TRUST > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_stream_flows_from_its_start_to_its_end_or_until_nobody_speaks_of_it() {
        let mut presence = Presence::default();
        assert!(!presence.flows("a", S(1)));
        presence.publishes("a", "1", S(1));
        assert!(presence.flows("a", S(2)) && !presence.flows("b", S(2)));
        assert!(presence.published("a", "1", S(3)) && !presence.flows("a", S(3)));
        assert!(presence.published("a", "1", S(3)), "the end of what is not known is an end");

        presence.publishes("a", "1", S(10));
        presence.publishes("a", "1", S(80));
        assert!(presence.flows("a", S(160)) && !presence.flows("a", S(171)));
    }

    #[test]
    fn the_end_of_a_second_connection_is_not_that_of_the_first() {
        let mut presence = Presence::default();
        presence.publishes("a", "1", S(1));
        presence.publishes("a", "2", S(2));
        assert!(!presence.published("a", "2", S(3)) && presence.flows("a", S(3)));
        assert!(presence.published("a", "1", S(4)) && !presence.flows("a", S(4)));
        for client in 0..100 {
            presence.publishes("a", &client.to_string(), S(5));
        }
        assert_eq!(presence.streams["a"].connections.len(), CONNECTIONS);
    }

    #[test]
    fn what_the_engine_says_when_asked_counts_more() {
        let mut presence = Presence::default();
        let look = |bytes| Some(Look { publishing: true, bytes, client: String::new() });
        presence.publishes("a", "1", S(1));
        assert!(presence.looked("a", look(100).as_ref(), S(2)));
        assert!(presence.looked("a", look(100).as_ref(), S(3)), "too soon to tell");
        assert!(presence.looked("a", look(200).as_ref(), S(8)));
        assert!(!presence.looked("a", look(200).as_ref(), S(14)), "published, but nothing comes");
        assert!(!presence.looked("a", None, S(15)) && !presence.flows("a", S(15)));
        // Never heard of, because this process has just started: somebody publishes it.
        assert!(presence.looked("b", look(5).as_ref(), S(20)) && presence.flows("b", S(20)));
        assert!(!presence.looked("b", look(5).as_ref(), S(26)));
    }

    #[test]
    fn the_number_of_streams_is_bounded() {
        let mut presence = Presence::default();
        for i in 0..STREAMS + 10 {
            presence.publishes(&i.to_string(), "1", S(1));
        }
        assert_eq!(presence.streams.len(), STREAMS);
        presence.publishes("late", "1", S(200));
        assert_eq!(presence.streams.len(), 1, "those that nobody spoke of are gone");
    }
}
