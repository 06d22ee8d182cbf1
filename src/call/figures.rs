//! From what media measures to what the room service is told.

use crate::media::stats::{Cpu, Percentiles, PlayStats, PublishStats};
use crate::proto::MemberId;
use crate::proto::api::{ReceivedFigures, SentFigures, Statistics};

/// Members of whom figures are told at most.
const MEMBERS: usize = 16;

/// What one sends (if anything) and receives, for the next heartbeat.
pub(super) fn statistics<'a>(
    sent: Option<&PublishStats>,
    received: impl Iterator<Item = (&'a MemberId, PlayStats, Option<u32>)>,
    cpu: Cpu,
) -> Statistics {
    Statistics {
        sent: sent.map(sent_figures),
        received: received.take(MEMBERS).map(|(member, stats, wanted)| received_figures(member, &stats, wanted)).collect(),
        cpu_app: cpu.app,
        cpu_device: cpu.device,
    }
}

fn sent_figures(stats: &PublishStats) -> SentFigures {
    SentFigures {
        width: small(stats.picture.width),
        height: small(stats.picture.height),
        fps: small(whole(stats.picture.fps)),
        kbps: whole(stats.kbps),
        queue_ms: stats.queue.ms,
        dropped: stats.dropped.network + stats.dropped.queued,
    }
}

fn received_figures(member: &MemberId, stats: &PlayStats, wanted: Option<u32>) -> ReceivedFigures {
    let delay = |of: fn(&Percentiles) -> f32| stats.delay.recent.as_ref().map(|delay| whole(of(delay)));
    ReceivedFigures {
        member: member.clone(),
        width: small(stats.picture.width),
        height: small(stats.picture.height),
        fps: small(whole(stats.picture.fps)),
        kbps: whole(stats.kbps),
        delay_p50_ms: delay(|delay| delay.p50),
        delay_p95_ms: delay(|delay| delay.p95),
        jitter_ms: whole(stats.buffer.jitter_ms),
        cache_ms: whole(stats.buffer.ms),
        freezes: stats.picture.freezes,
        wanted: wanted.map(small),
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
    use crate::media::stats::{Delay, Dropped, PictureIn, PictureOut};

    #[test]
    fn figures_are_whole_and_odd_ones_do_no_harm() {
        let picture = PictureOut { width: 640, height: 360, fps: 29.6, ..PictureOut::default() };
        let dropped = Dropped { busy: 1, network: 2, queued: 4 };
        let sent = PublishStats { picture, kbps: 512.4, dropped, ..PublishStats::default() };
        let delay = Percentiles { p50: 119.7, p95: f32::NAN, ..Percentiles::default() };
        let received = PlayStats {
            picture: PictureIn { width: 100_000, fps: -1.0, ..PictureIn::default() },
            delay: Delay { recent: Some(delay), ..Delay::default() },
            ..PlayStats::default()
        };
        let cpu = Cpu { app: Some(7), device: None };
        let member = MemberId::new("m");
        let told = statistics(Some(&sent), std::iter::repeat_n((&member, received, Some(270)), 20), cpu);
        assert_eq!(told.sent.map(|s| (s.fps, s.kbps, s.dropped)), Some((30, 512, 6)));
        assert_eq!((told.cpu_app, told.cpu_device), (Some(7), None));
        assert_eq!(told.received.len(), MEMBERS);
        let first = &told.received[0];
        assert_eq!((first.width, first.fps, first.delay_p50_ms, first.delay_p95_ms), (u16::MAX, 0, Some(120), Some(0)));
    }
}
