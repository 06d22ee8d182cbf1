//! The moving pictures of a call: taken from the slots that the pipeline fills, kept as textures.

use crate::base::Slot;
use crate::call::Snapshot;
use crate::media::frame::Rgba;
use crate::proto::MemberId;
use crate::ui::Video;
use egui::Context;
use std::collections::BTreeMap;

/// One's own picture and the others'.
#[derive(Debug, Default)]
pub struct Videos {
    me: Feed,
    peers: BTreeMap<MemberId, Feed>,
    nothing: Video,
}

/// A slot that asks for a repaint when it is filled, and the picture last taken from it.
#[derive(Debug, Default)]
pub struct Feed {
    slot: Option<Slot<Rgba>>,
    /// The picture.
    pub video: Video,
}

impl Feed {
    /// Takes pictures from `slot` from now on. The window is repainted when one comes, and only then.
    pub fn watch(&mut self, ctx: &Context, slot: &Slot<Rgba>) {
        if self.slot.as_ref().is_none_or(|known| !known.is(slot)) {
            let ctx = ctx.clone();
            slot.on_put(move || ctx.request_repaint());
            self.slot = Some(slot.clone());
        }
    }

    /// Shows the newest picture, if there is a new one.
    pub fn update(&mut self, ctx: &Context) {
        if let Some(picture) = self.slot.as_ref().and_then(Slot::take) {
            self.video.set(ctx, picture.width, picture.height, &picture.data);
        }
    }
}

impl Videos {
    /// Takes the newest pictures of everyone in `snapshot`; pictures of those who left are forgotten.
    pub fn update(&mut self, ctx: &Context, snapshot: &Snapshot) {
        self.me.watch(ctx, &snapshot.me.preview);
        self.me.update(ctx);
        self.peers.retain(|member, _| snapshot.peers.iter().any(|p| p.member == *member));
        for peer in &snapshot.peers {
            let feed = self.peers.entry(peer.member.clone()).or_default();
            feed.watch(ctx, &peer.picture);
            feed.update(ctx);
        }
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
