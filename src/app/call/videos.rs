//! The moving pictures of a call: taken from the slots that the pipeline fills, kept as textures.

use crate::base::{Clock, Slot};
use crate::call::Snapshot;
use crate::media::frame::Rgba;
use crate::proto::MemberId;
use crate::ui::Video;
use crate::ui::planes::Painter;
use egui::Context;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// At once. Not zero: for a delay of zero egui paints twice, to let widgets settle, and a moving picture would cost double.
const AT_ONCE: Duration = Duration::from_micros(1);

/// What draws the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Graphics {
    /// A graphics card, which has nothing else to do.
    #[default]
    Card,
    /// The processor, which has: a painting costs it 5 to 25 ms.
    Processor,
}

impl Graphics {
    /// Least time between two paintings that new pictures cause. A card paints as often as screens show. The processor paints one person's
    /// pictures as they come, at 30 a second; where several come out of step, some wait for each other.
    const fn between_paintings(self) -> Duration {
        Duration::from_millis(match self {
            Self::Card => 12,
            Self::Processor => 30,
        })
    }

    /// How long one's own picture waits for somebody else's, to be painted together.
    const fn patience(self) -> Duration {
        Duration::from_millis(match self {
            Self::Card => 25,
            Self::Processor => 50,
        })
    }
}

/// One's own picture and the others'.
#[derive(Debug, Default)]
pub struct Videos {
    me: Feed,
    peers: BTreeMap<MemberId, Feed>,
    nothing: Video,
    pace: Pace,
    painter: Option<Painter>,
}

/// When pictures were painted last; shared with the threads that deliver them.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    painted: Arc<AtomicU64>,
    graphics: Graphics,
}

impl Pace {
    /// Nothing has been painted yet.
    pub fn new(graphics: Graphics) -> Self {
        Self { painted: Arc::default(), graphics }
    }

    fn painted(&self) {
        self.painted.store(micros(Clock::system().now()), Ordering::Relaxed);
    }

    /// How long a picture that comes now, and may wait for `patience`, should wait to be painted.
    fn wait(&self, patience: Duration) -> Duration {
        let since = Duration::from_micros(micros(Clock::system().now()).saturating_sub(self.painted.load(Ordering::Relaxed)));
        self.graphics.between_paintings().max(patience).saturating_sub(since).max(AT_ONCE)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A slot that asks for a repaint when it is filled, and the picture last taken from it.
#[derive(Debug, Default)]
pub struct Feed {
    slot: Option<Slot<Rgba>>,
    /// The picture.
    pub video: Video,
}

impl Feed {
    /// Takes pictures from `slot` from now on. The window is repainted when one comes (at the latest after `patience`), and only then.
    pub fn watch(&mut self, ctx: &Context, slot: &Slot<Rgba>, pace: &Pace, patience: Duration) {
        if self.slot.as_ref().is_none_or(|known| !known.is(slot)) {
            let (ctx, pace) = (ctx.clone(), pace.clone());
            slot.on_put(move || ctx.request_repaint_after(pace.wait(patience)));
            self.slot = Some(slot.clone());
        }
    }

    /// Shows the newest picture, if there is a new one. `painter` shows what comes as planes.
    pub fn update(&mut self, ctx: &Context, painter: Option<&Painter>) {
        let Some(picture) = self.slot.as_ref().and_then(Slot::take) else { return };
        match picture.planes().zip(painter) {
            Some((planes, painter)) => self.video.set_planes(painter, picture.width, picture.height, planes),
            None => self.video.set(ctx, picture.width, picture.height, &picture.data),
        }
    }
}

impl Videos {
    /// No pictures yet, in a window that is drawn like this. `painter` works out colours, if that is not done before.
    pub fn new(graphics: Graphics, painter: Option<Painter>) -> Self {
        Self { pace: Pace::new(graphics), painter, ..Self::default() }
    }

    /// Takes the newest pictures of everyone in `snapshot`; pictures of those who left are forgotten.
    pub fn update(&mut self, ctx: &Context, snapshot: &Snapshot) {
        self.pace.painted();
        self.me.watch(ctx, &snapshot.me.preview, &self.pace, self.pace.graphics.patience());
        self.me.update(ctx, self.painter.as_ref());
        self.peers.retain(|member, _| snapshot.peers.iter().any(|p| p.member == *member));
        for peer in &snapshot.peers {
            let feed = self.peers.entry(peer.member.clone()).or_default();
            feed.watch(ctx, &peer.picture, &self.pace, Duration::ZERO);
            feed.update(ctx, self.painter.as_ref());
        }
    }

    /// Width to height of every picture there is.
    pub fn aspects(&self) -> impl Iterator<Item = f32> {
        std::iter::once(&self.me).chain(self.peers.values()).filter_map(|feed| feed.video.aspect())
    }

    /// One's own picture.
    pub fn me(&self) -> &Video {
        &self.me.video
    }

    /// Somebody's picture.
    pub fn peer(&self, member: &MemberId) -> &Video {
        self.peers.get(member).map_or(&self.nothing, |feed| &feed.video)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_waits_only_after_a_painting() {
        for graphics in [Graphics::Card, Graphics::Processor] {
            let (pace, patience) = (Pace::new(graphics), graphics.patience());
            assert_eq!(pace.wait(Duration::ZERO), AT_ONCE, "nothing was painted for long");
            assert_eq!(pace.wait(patience), AT_ONCE);
            pace.painted();
            assert!(pace.wait(Duration::ZERO) <= graphics.between_paintings() && pace.wait(patience) <= patience);
            // With pictures at 30 a second, a picture of one's own never costs a painting.
            assert!(graphics.between_paintings() < Duration::from_millis(33));
        }
        assert!(Graphics::Processor.patience() > Duration::from_millis(33));
    }
}
