//! Figures of streams as rows for the overlay.

use super::i18n::Texts;
use crate::media::stats::{Carrier, PlayStats, PublishStats};

/// A name and a value.
pub type Row = (String, String);

/// Figures of somebody's stream.
pub fn of_peer(texts: &Texts, s: &PlayStats) -> Vec<Row> {
    let mut rows = vec![
        (texts.t("stat-size"), picture(texts, s.picture.width, s.picture.height, s.picture.fps)),
        delay(texts, s),
        (texts.t("stat-rate"), pair(texts, s.picture.kbps, s.sound.kbps)),
        (texts.t("stat-buffer"), ms_pair(texts, s.buffer.ms, s.buffer.target_ms)),
        (texts.t("stat-jitter"), ms(texts, s.buffer.jitter_ms)),
        (texts.t("stat-dropped"), s.picture.dropped.to_string()),
        (
            texts.t("stat-freezes"),
            texts.with(
                "stat-freeze-value",
                &[
                    ("count", s.picture.freezes.to_string().as_str().into()),
                    ("ms", s.picture.freeze_ms.to_string().as_str().into()),
                ],
            ),
        ),
        (texts.t("stat-codec"), if s.picture.codec.is_empty() { texts.t("stat-unknown") } else { s.picture.codec.clone() }),
        (texts.t("stat-decode"), ms(texts, s.picture.decode_ms)),
        carrier(texts, s.route.carrier),
    ];
    if let Some(d) = s.delay.recent {
        rows.insert(2, (texts.t("stat-delay-max"), ms_pair(texts, d.p99, d.max)));
    }
    rows
}

/// Figures of one's own stream.
pub fn of_me(texts: &Texts, s: &PublishStats) -> Vec<Row> {
    let queue = [("ms", s.queue.ms.to_string()), ("kb", (s.queue.bytes / 1000).to_string())];
    vec![
        (texts.t("stat-size"), picture(texts, s.picture.width, s.picture.height, s.picture.fps)),
        (texts.t("stat-rate"), pair(texts, s.picture.kbps, s.sound.kbps)),
        (
            texts.t("stat-queue"),
            texts.with("stat-queue-value", &[(queue[0].0, (&queue[0].1).into()), (queue[1].0, (&queue[1].1).into())]),
        ),
        (texts.t("stat-dropped"), s.dropped.before_encoder().to_string()),
        (texts.t("stat-encoder"), if s.picture.encoder.is_empty() { texts.t("stat-unknown") } else { s.picture.encoder.clone() }),
        (texts.t("stat-encode"), ms(texts, s.picture.encode_ms)),
        carrier(texts, s.route.carrier),
        (texts.t("stat-server"), if s.route.server.is_empty() { texts.t("stat-unknown") } else { s.route.server.clone() }),
    ]
}

/// Capture to due on screen: the one figure that matters most.
fn delay(texts: &Texts, s: &PlayStats) -> Row {
    (texts.t("stat-delay"), s.delay.recent.map_or_else(|| texts.t("stat-unknown"), |d| ms_pair(texts, d.p50, d.p95)))
}

/// What the stream rides on.
fn carrier(texts: &Texts, carrier: Option<Carrier>) -> Row {
    let value = match carrier {
        Some(Carrier::Tls) => "stat-carrier-tls",
        Some(Carrier::Tcp) => "stat-carrier-tcp",
        None => "stat-unknown",
    };
    (texts.t("stat-carrier"), texts.t(value))
}

fn picture(texts: &Texts, width: u32, height: u32, fps: f32) -> String {
    if width == 0 {
        return texts.t("stat-unknown");
    }
    let [w, h, f] = [width.to_string(), height.to_string(), format!("{fps:.0}")];
    texts.with("stat-size-value", &[("width", (&w).into()), ("height", (&h).into()), ("fps", (&f).into())])
}

fn ms(texts: &Texts, value: f32) -> String {
    texts.with("stat-ms", &[("value", (&number(value)).into())])
}

fn ms_pair(texts: &Texts, first: f32, second: f32) -> String {
    texts.with("stat-ms-pair", &[("first", (&number(first)).into()), ("second", (&number(second)).into())])
}

fn pair(texts: &Texts, first: f32, second: f32) -> String {
    texts.with("stat-pair", &[("first", (&format!("{first:.0}")).into()), ("second", (&format!("{second:.0}")).into())])
}

/// Small numbers with one digit after the point.
fn number(value: f32) -> String {
    if value.abs() < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::super::i18n::Lang;
    use super::*;
    use crate::media::stats::{Buffer, Delay, Percentiles, PictureIn};

    #[test]
    fn figures_are_written_for_people() {
        let texts = Texts::new(Lang::En);
        let recent = Some(Percentiles { p50: 31.6, p95: 44.4, p99: 51.0, max: 60.0 });
        let stats = PlayStats {
            picture: PictureIn { width: 640, height: 360, fps: 29.97, codec: "h264".into(), ..Default::default() },
            buffer: Buffer { jitter_ms: 1.25, ..Default::default() },
            delay: Delay { recent, ..Default::default() },
            ..Default::default()
        };
        let rows = of_peer(&texts, &stats);
        let value = |name: &str| rows.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(value("Picture"), Some("640×360 @ 30"));
        assert_eq!(value("Delay p50 / p95"), Some("32 / 44 ms"));
        assert_eq!(value("Jitter"), Some("1.2 ms"));
        let unknown = of_peer(&texts, &PlayStats::default());
        assert!(unknown.iter().any(|(n, v)| n == "Delay p50 / p95" && v == "–"));
        assert!(of_me(&texts, &PublishStats::default()).iter().all(|(n, v)| !n.is_empty() && !v.is_empty()));
    }
}
