//! From what media measures to what the room service is told.

use crate::media::stats::{Percentiles, PlayStats, PublishStats};
use crate::proto::MemberId;
use crate::proto::api::{ReceivedFigures, SentFigures, Statistics};

/// Members of whom figures are told at most.
const MEMBERS: usize = 16;

/// What one sends (if anything) and receives, for the next heartbeat.
pub(super) fn statistics<'a>(
    sent: Option<&PublishStats>,
    received: impl Iterator<Item = (&'a MemberId, PlayStats)>,
) -> Statistics {
    Statistics {
        sent: sent.map(sent_figures),
        received: received.take(MEMBERS).map(|(member, stats)| received_figures(member, &stats)).collect(),
        cpu_app: None,
        cpu_device: None,
    }
}

fn sent_figures(stats: &PublishStats) -> SentFigures {
    SentFigures {
        width: small(stats.width),
        height: small(stats.height),
        fps: small(whole(stats.fps)),
        kbps: whole(stats.kbps),
        queue_ms: stats.queue_ms,
        dropped: stats.frames_dropped,
    }
}

fn received_figures(member: &MemberId, stats: &PlayStats) -> ReceivedFigures {
    let delay = |of: fn(&Percentiles) -> f32| stats.delay_ms.as_ref().map(|delay| whole(of(delay)));
    ReceivedFigures {
        member: member.clone(),
        width: small(stats.width),
        height: small(stats.height),
        fps: small(whole(stats.fps)),
        kbps: whole(stats.kbps),
        delay_p50_ms: delay(|delay| delay.p50),
        delay_p95_ms: delay(|delay| delay.p95),
        jitter_ms: whole(stats.jitter_ms),
        cache_ms: whole(stats.buffer_ms),
        freezes: stats.freezes,
    }
}

fn whole(figure: f32) -> u32 {
    // Out of range, such a cast gives the nearest number that there is; of no number it makes 0.
    figure.round() as u32
}

fn small(figure: u32) -> u16 {
    u16::try_from(figure).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_whole_and_odd_ones_do_no_harm() {
        let sent = PublishStats { width: 640, height: 360, fps: 29.6, kbps: 512.4, ..PublishStats::default() };
        let delay = Percentiles { p50: 119.7, p95: f32::NAN, ..Percentiles::default() };
        let received = PlayStats { width: 100_000, fps: -1.0, delay_ms: Some(delay), ..PlayStats::default() };
        let member = MemberId::new("m");
        let told = statistics(Some(&sent), std::iter::repeat_n((&member, received), 20));
        assert_eq!(told.sent.map(|s| (s.fps, s.kbps)), Some((30, 512)));
        assert_eq!(told.received.len(), MEMBERS);
        let first = &told.received[0];
        assert_eq!((first.width, first.fps, first.delay_p50_ms, first.delay_p95_ms), (u16::MAX, 0, Some(120), Some(0)));
    }
}
