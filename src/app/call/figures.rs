//! Figures of streams in words, for the overlay.

use crate::app::i18n::Texts;
use crate::media::stats::{Carrier, Cpu, History, Percentiles, PlayStats, PublishStats, Route, Sample};
use crate::ui::overlay::{Graph, Group, Row};
use std::time::Duration;

/// Figures of somebody's stream.
pub fn of_peer(texts: &Texts, s: &PlayStats, now: Duration) -> Vec<Group> {
    let (picture, sound, delay) = (&s.picture, &s.sound, &s.delay);
    let pair_of = |of: fn(&Percentiles) -> (f32, f32)| {
        delay.recent.as_ref().map_or_else(|| texts.t("stat-unknown"), |p| ms_pair(texts, of(p)))
    };
    let freezes = [("count", picture.freezes.to_string()), ("ms", picture.freeze_ms.to_string())];
    let dropped = [("count", picture.dropped.to_string()), ("waiting", picture.waiting.to_string())];
    vec![
        Group {
            title: texts.t("stat-group-delay"),
            rows: vec![
                vital(texts, "DLY", "stat-delay", pair_of(|p| (p.p50, p.p95))),
                row(texts, "", "stat-delay-max", pair_of(|p| (p.p99, p.max))),
                row(texts, "", "stat-sync", ms(texts, delay.av_offset_ms)),
            ],
            graph: graph(texts, "stat-graph-delay", "stat-unit-ms", &s.history, now, |sample| sample.delay_ms),
        },
        Group {
            title: texts.t("stat-group-picture"),
            rows: vec![
                vital(texts, "RES", "stat-size", size(texts, picture.width, picture.height)),
                vital(texts, "FPS", "stat-fps", number(picture.fps)),
                vital(texts, "", "stat-freezes", said(texts, "stat-freeze-value", &freezes)),
                row(texts, "DRP", "stat-skipped", said(texts, "stat-skipped-value", &dropped)),
                row(texts, "GOP", "stat-gop", seconds(texts, picture.gop_s)),
                row(texts, "", "stat-decode", decoder(texts, &picture.codec, picture.decode_ms)),
            ],
            graph: None,
        },
        Group {
            title: texts.t("stat-group-network"),
            rows: vec![
                vital(texts, "SPD", "stat-rate", kbps(texts, picture.kbps + sound.kbps)),
                row(texts, "VRA", "stat-rate-picture", kbps(texts, picture.kbps)),
                row(texts, "ARA", "stat-rate-sound", kbps(texts, sound.kbps)),
                row(texts, "JIT", "stat-jitter", ms(texts, s.buffer.jitter_ms)),
                row(texts, "QUE", "stat-buffer", ms_pair(texts, (s.buffer.ms, s.buffer.target_ms))),
                row(texts, "", "stat-gap", said(texts, "stat-ms", &[("value", sound.gap_ms.to_string())])),
                row(texts, "SVR", "stat-server", server(texts, &s.route)),
            ],
            graph: graph(texts, "stat-graph-rate", "stat-unit-kbps", &s.history, now, |sample| Some(sample.kbps)),
        },
    ]
}

/// Figures of one's own stream and of the computer.
pub fn of_me(texts: &Texts, s: &PublishStats, cpu: Cpu, now: Duration) -> Vec<Group> {
    let picture = &s.picture;
    let queue = [("encoder", s.queue.encoder_ms.to_string()), ("ms", s.queue.ms.to_string())];
    let dropped = [("busy", s.dropped.busy.to_string()), ("network", (s.dropped.network + s.dropped.queued).to_string())];
    let percent = |share: Option<u8>| share.map_or_else(|| texts.t("stat-unknown"), |share| share.to_string());
    let load = [("app", percent(cpu.app)), ("device", percent(cpu.device))];
    vec![
        Group {
            title: texts.t("stat-group-sending"),
            rows: vec![
                vital(texts, "SPD", "stat-rate", kbps(texts, picture.kbps + s.sound.kbps)),
                row(texts, "VRA", "stat-rate-picture", kbps(texts, picture.kbps)),
                row(texts, "ARA", "stat-rate-sound", kbps(texts, s.sound.kbps)),
                vital(texts, "QUE", "stat-queue", said(texts, "stat-queue-value", &queue)),
                row(texts, "DRP", "stat-left-out", said(texts, "stat-left-out-value", &dropped)),
                row(texts, "SVR", "stat-server", server(texts, &s.route)),
            ],
            graph: graph(texts, "stat-graph-rate", "stat-unit-kbps", &s.history, now, |sample| Some(sample.kbps)),
        },
        Group {
            title: texts.t("stat-group-picture"),
            rows: vec![
                vital(texts, "RES", "stat-size", size(texts, picture.width, picture.height)),
                vital(texts, "FPS", "stat-fps", number(picture.fps)),
                row(texts, "GOP", "stat-gop", seconds(texts, picture.gop_s)),
                row(texts, "", "stat-encode", decoder(texts, &picture.encoder, picture.encode_ms)),
            ],
            graph: None,
        },
        Group {
            title: texts.t("stat-group-computer"),
            rows: vec![vital(texts, "CPU", "stat-cpu", said(texts, "stat-cpu-value", &load))],
            graph: None,
        },
    ]
}

/// `code` as in the status line of the programs that people know; empty where those had nothing of the kind.
fn row(texts: &Texts, code: &'static str, name: &str, value: String) -> Row {
    Row { code, name: texts.t(name), value, essential: false }
}

/// Shown on the smallest tile, too.
fn vital(texts: &Texts, code: &'static str, name: &str, value: String) -> Row {
    Row { essential: true, ..row(texts, code, name, value) }
}

/// A figure over the last minute; `None` until two seconds of it are known. Of each second, its largest value.
fn graph<S: Sample>(
    texts: &Texts,
    name: &str,
    unit: &str,
    history: &History<S>,
    now: Duration,
    of: impl Fn(&S) -> Option<f32>,
) -> Option<Graph> {
    let points = history.seconds(now, |samples| samples.iter().filter_map(&of).reduce(f32::max));
    let known = || points.iter().flatten().copied();
    if known().count() < 2 {
        return None;
    }
    let extent = [("least", number(known().fold(f32::MAX, f32::min))), ("most", number(known().fold(0.0, f32::max)))];
    Some(Graph { text: said(texts, name, &extent), points, unit: texts.t(unit) })
}

/// Where a stream comes from or goes to, and what it rides on.
fn server(texts: &Texts, route: &Route) -> String {
    let carrier = texts.t(match route.carrier {
        Some(Carrier::Tls) => "stat-carrier-tls",
        Some(Carrier::Tcp) => "stat-carrier-tcp",
        None => return known(texts, &route.server),
    });
    said(texts, "stat-server-value", &[("server", known(texts, &route.server)), ("carrier", carrier)])
}

/// What codes a picture, and how long it takes.
fn decoder(texts: &Texts, codec: &str, took_ms: f32) -> String {
    if codec.is_empty() {
        return texts.t("stat-unknown");
    }
    said(texts, "stat-codec-value", &[("codec", codec.to_owned()), ("ms", number(took_ms))])
}

fn known(texts: &Texts, text: &str) -> String {
    if text.is_empty() { texts.t("stat-unknown") } else { text.to_owned() }
}

fn size(texts: &Texts, width: u32, height: u32) -> String {
    if width == 0 {
        return texts.t("stat-unknown");
    }
    said(texts, "stat-size-value", &[("width", width.to_string()), ("height", height.to_string())])
}

fn kbps(texts: &Texts, value: f32) -> String {
    said(texts, "stat-kbps", &[("value", format!("{value:.0}"))])
}

fn seconds(texts: &Texts, value: f32) -> String {
    if value > 0.0 { said(texts, "stat-seconds", &[("value", number(value))]) } else { texts.t("stat-unknown") }
}

fn ms(texts: &Texts, value: f32) -> String {
    said(texts, "stat-ms", &[("value", number(value))])
}

fn ms_pair(texts: &Texts, (first, second): (f32, f32)) -> String {
    said(texts, "stat-ms-pair", &[("first", number(first)), ("second", number(second))])
}

fn said<const N: usize>(texts: &Texts, key: &str, values: &[(&'static str, String); N]) -> String {
    texts.with(key, &values.each_ref().map(|(name, value)| (*name, value.as_str().into())))
}

/// Small numbers with one digit after the point.
fn number(value: f32) -> String {
    if value.abs() < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::i18n::Lang;
    use crate::media::stats::{Buffer, Delay, Dropped, PictureIn, PlaySample};

    const NOW: Duration = Duration::from_secs(1_000);

    fn value<'a>(groups: &'a [Group], name: &str) -> Option<&'a str> {
        groups.iter().flat_map(|group| &group.rows).find(|row| row.name == name).map(|row| row.value.as_str())
    }

    #[test]
    fn figures_are_written_for_people() {
        let texts = Texts::new(Lang::En);
        let recent = Some(Percentiles { p50: 31.6, p95: 44.4, p99: 51.0, max: 60.0 });
        let stats = PlayStats {
            picture: PictureIn { width: 640, height: 360, fps: 29.97, codec: "H.264".into(), ..Default::default() },
            buffer: Buffer { jitter_ms: 1.25, ..Default::default() },
            delay: Delay { recent, ..Default::default() },
            ..Default::default()
        };
        let groups = of_peer(&texts, &stats, NOW);
        assert_eq!((value(&groups, "Size"), value(&groups, "Pictures a second")), (Some("640×360"), Some("30")));
        assert_eq!(value(&groups, "Delay, half / 95 % within"), Some("32 / 44 ms"));
        assert_eq!(value(&groups, "Jitter"), Some("1.2 ms"));
        let sent = PublishStats { dropped: Dropped { busy: 1, network: 2, queued: 3 }, ..Default::default() };
        let mine = of_me(&texts, &sent, Cpu { app: Some(7), device: None }, NOW);
        assert_eq!(value(&mine, "CPU, Parlor / computer"), Some("7 / – %"));
        assert_eq!(value(&mine, "Left out, encoder / network"), Some("1 / 5"));
    }

    #[test]
    fn every_figure_has_a_name_and_a_value_in_every_language_even_before_anything_flows() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let peer = of_peer(&texts, &PlayStats::default(), NOW);
            let me = of_me(&texts, &PublishStats::default(), Cpu::default(), NOW);
            for group in peer.iter().chain(&me) {
                assert!(!group.title.is_empty() && !group.title.contains("stat-") && group.graph.is_none());
                assert!(
                    group.rows.iter().all(|row| [&row.name, &row.value].iter().all(|t| !t.is_empty() && !t.contains("stat-")))
                );
            }
            assert!(peer.iter().chain(&me).flat_map(|group| &group.rows).filter(|row| row.essential).count() >= 6);
        }
    }

    #[test]
    fn the_last_minute_is_a_graph_with_words() {
        let texts = Texts::new(Lang::En);
        let stats = PlayStats::default();
        for second in 0..5_u16 {
            let at = NOW - Duration::from_secs(5) + Duration::from_secs(second.into());
            let delay_ms = (second != 2).then(|| 40.0 + f32::from(second));
            stats.history.add(PlaySample { at, delay_ms, kbps: 300.0, ..PlaySample::default() });
        }
        let groups = of_peer(&texts, &stats, NOW);
        let delay = groups[0].graph.as_ref().unwrap();
        assert_eq!(delay.text, "Delay in the last minute: 40 to 44 ms");
        assert_eq!(delay.points.iter().flatten().count(), 4);
        assert_eq!(groups[2].graph.as_ref().unwrap().unit, "kbit/s");
    }
}
