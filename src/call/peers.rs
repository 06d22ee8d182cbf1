//! The others: one player and one place on the screen for each.

use super::quality::{self, Judge, Trouble};
use super::reconcile::{Absent, Change, Known, reconcile};
use super::snapshot::Volume;
use super::{Event, snapshot};
use crate::base::{Proxy, SecretKey, ServerClock, Slot};
use crate::media::audio::Output;
use crate::media::frame::Rgba;
use crate::media::play::{self, Player, View};
use crate::media::record::{Present, Tap};
use crate::media::seal::{self, Opener, StreamKey};
use crate::media::stats::{History, PlaySample, PlayStats};
use crate::proto::MemberId;
use crate::proto::api::{Member, RoomState};
use std::collections::BTreeMap;
use std::time::Duration;

/// After the server came back from a restart, somebody who is not back after this long is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every player needs.
pub(super) struct Means {
    pub(super) output: Output,
    pub(super) clock: ServerClock,
    pub(super) runtime: tokio::runtime::Handle,
    /// What stands between this computer and the server.
    pub(super) proxy: Proxy,
    /// The room's key, if it is encrypted from end to end.
    pub(super) key: Option<SecretKey>,
    /// How late everybody is played on purpose.
    pub(super) latency: play::Latency,
    /// Whether pictures are shown by something that works out colours itself.
    pub(super) planes: bool,
    /// Whether flash against beep is measured.
    pub(super) sync: bool,
    /// When one asked to enter, by the local clock: "time to the first sound" counts from here.
    pub(super) start: Duration,
    /// How loud people of these names are played.
    pub(super) volumes: BTreeMap<String, Volume>,
}

impl Means {
    /// What opens somebody's stream.
    fn opener(&self, member: &MemberId) -> Opener {
        Opener::new(self.key.clone().map(|key| StreamKey::new(key, member.as_str())))
    }
}

/// Somebody else.
struct Peer {
    member: Member,
    picture: Slot<Rgba>,
    /// Their last minute, whoever played it.
    history: History<PlaySample>,
    /// Where their packets can be had.
    tap: Tap,
    /// Opens their stream.
    opener: Opener,
    /// What the person was told last of why that does not work.
    told: Option<seal::Trouble>,
    /// `None` only when the server gave no address.
    player: Option<Player>,
    /// How loud they are played.
    volume: Volume,
    /// On how many lines their picture is shown, if that is known.
    lines: Option<u32>,
    judge: Judge,
    /// Not in the list since this moment.
    missing: Option<Duration>,
}

/// What of somebody outlives their player.
#[derive(Default)]
struct Feeds {
    picture: Slot<Rgba>,
    history: History<PlaySample>,
    tap: Tap,
    opener: Opener,
}

impl Peer {
    fn feeds(&self) -> Feeds {
        let (picture, history) = (self.picture.clone(), self.history.clone());
        Feeds { picture, history, tap: self.tap.clone(), opener: self.opener.clone() }
    }

    fn view(&self) -> View {
        self.lines.map_or(View::Full, View::of_lines)
    }
}

/// The others, in order of arrival.
#[derive(Default)]
pub(super) struct Peers {
    list: Vec<Peer>,
    /// Until when somebody who is missing may come back.
    patient_until: Duration,
    /// Whether the first list has been seen: those in it were there before.
    introduced: bool,
}

impl Peers {
    /// The seat is new: people may come back one by one.
    pub(super) fn expect_returns(&mut self, now: Duration) {
        if self.introduced {
            self.patient_until = now + PATIENCE;
        }
    }

    /// Starts and stops players so that they match the member list.
    pub(super) fn apply(&mut self, state: &RoomState, me: &MemberId, means: &Means, now: Duration) -> Vec<Event> {
        let known: Vec<Known> =
            self.list.iter().map(|p| Known { member: p.member.member.clone(), name: p.member.name.clone() }).collect();
        let absent = if now < self.patient_until { Absent::Wait } else { Absent::Remove };
        let mut events = Vec::new();
        let mut gone = Vec::new();
        for change in reconcile(&known, state, me, absent) {
            match change {
                Change::Remove(id) => gone.extend(self.take(&id)),
                Change::Miss(id) => {
                    if let Some(peer) = self.find(&id) {
                        peer.missing.get_or_insert(now);
                    }
                }
                Change::Reseat { old, new } => {
                    if let Some(peer) = self.find(&old) {
                        peer.missing = None;
                        peer.player = None;
                        peer.opener = means.opener(&new.member);
                        peer.player = start(&new, &peer.feeds(), peer.volume, peer.view(), means);
                        peer.member = new;
                    }
                }
                Change::Refresh(new) => {
                    if let Some(peer) = self.find(&new.member) {
                        peer.missing = None;
                        if let (Some(player), Some(url)) = (&peer.player, &new.play_url) {
                            player.set_url(url);
                            player.expect_picture(has_picture(&new));
                        }
                        if new.sending.sharing != peer.member.sending.sharing {
                            let (member, name) = (new.member.clone(), new.name.clone());
                            events.push(Event::PeerShares { member, name, on: new.sending.sharing });
                        }
                        if new.sending.recording != peer.member.sending.recording {
                            events.push(recording(&new));
                        }
                        peer.member = new;
                    }
                }
                Change::Add(member) => {
                    if self.introduced {
                        events.push(Event::PeerJoined { member: member.member.clone(), name: member.name.clone() });
                    }
                    if member.sending.recording {
                        events.push(recording(&member));
                    }
                    let feeds = Feeds { opener: means.opener(&member.member), ..Feeds::default() };
                    let volume = means.volumes.get(&member.name).copied().unwrap_or_default();
                    let player = start(&member, &feeds, volume, View::Full, means);
                    let Feeds { picture, history, tap, opener } = feeds;
                    self.list.push(Peer {
                        member,
                        picture,
                        history,
                        tap,
                        opener,
                        told: None,
                        player,
                        volume,
                        lines: None,
                        judge: Judge::default(),
                        missing: None,
                    });
                }
            }
        }
        self.introduced = true;
        events.extend(gone.iter().map(left));
        drop_together(gone);
        events
    }

    /// Whose stream cannot be read, each time that it is for another reason than before.
    pub(super) fn unreadable(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for peer in &mut self.list {
            let Some(why) = peer.opener.trouble().filter(|why| peer.told != Some(*why)) else { continue };
            peer.told = Some(why);
            events.push(Event::PeerUnreadable { member: peer.member.member.clone(), name: peer.member.name.clone(), why });
        }
        events
    }

    /// Removes those who have been missing for too long.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Event> {
        if now < self.patient_until {
            return Vec::new();
        }
        let (gone, kept) = std::mem::take(&mut self.list).into_iter().partition(|p| p.missing.is_some());
        self.list = kept;
        let events = gone.iter().map(left).collect();
        drop_together(gone);
        events
    }

    /// Plays all through another output.
    pub(super) fn restart(&mut self, means: &Means) {
        for peer in &mut self.list {
            peer.player = None;
            peer.player = start(&peer.member, &peer.feeds(), peer.volume, peer.view(), means);
        }
    }

    /// Whoever waits to connect again does it now.
    pub(super) fn hurry(&self) {
        self.list.iter().filter_map(|peer| peer.player.as_ref()).for_each(Player::retry_now);
    }

    /// Stops all.
    pub(super) fn clear(&mut self) {
        drop_together(std::mem::take(&mut self.list));
    }

    /// Says on how many lines somebody's picture is shown. Returns whether more are wanted than before.
    pub(super) fn set_lines(&mut self, id: &MemberId, lines: u32) -> bool {
        let Some(peer) = self.find(id) else { return false };
        let before = peer.lines.replace(lines);
        if let Some(player) = &peer.player {
            player.set_view(peer.view());
        }
        before.is_some_and(|before| lines > before)
    }

    /// Who is there.
    pub(super) fn ids(&self) -> impl Iterator<Item = &MemberId> {
        self.list.iter().map(|peer| &peer.member.member)
    }

    /// How they look, while one's own stream has this trouble.
    pub(super) fn show(&mut self, mine: Option<Trouble>, now: Duration) -> Vec<snapshot::Peer> {
        let stats: Vec<_> = self.list.iter().map(|peer| peer.player.as_ref().map(Player::stats).unwrap_or_default()).collect();
        let bad: Vec<bool> = self.list.iter_mut().zip(&stats).map(|(peer, stats)| peer.judge.is_bad(stats, now)).collect();
        let side = quality::side(mine, bad.iter().filter(|bad| **bad).count(), bad.len());
        let show = |((p, stats), bad): ((&Peer, PlayStats), bool)| snapshot::Peer {
            trouble: bad.then_some(side),
            unreadable: p.opener.trouble(),
            member: p.member.member.clone(),
            name: p.member.name.clone(),
            mic: p.member.sending.mic,
            camera: p.member.sending.camera,
            recording: p.member.sending.recording,
            sharing: p.member.sending.sharing,
            picture: p.picture.clone(),
            receiving: p.player.as_ref().is_some_and(|player| player.state() == play::State::Playing),
            volume: p.volume,
            stats,
        };
        self.list.iter().zip(stats).zip(bad).map(show).collect()
    }

    /// What is measured of each, and on how many lines they are shown.
    pub(super) fn figures(&self) -> impl Iterator<Item = (&MemberId, PlayStats, Option<u32>)> {
        self.list.iter().filter_map(|peer| Some((&peer.member.member, peer.player.as_ref()?.stats(), peer.lines)))
    }

    /// Plays somebody louder, quieter or not at all; says their name.
    pub(super) fn set_volume(&mut self, member: &MemberId, volume: Volume) -> Option<String> {
        let peer = self.find(member)?;
        peer.volume = volume;
        if let Some(player) = &peer.player {
            player.set_volume(volume.factor());
        }
        Some(peer.member.name.clone())
    }

    /// Somebody's name, and where their packets can be had.
    pub(super) fn tap(&self, id: &MemberId) -> Option<(String, Tap)> {
        self.list.iter().find(|p| p.member.member == *id).map(|p| (p.member.name.clone(), p.tap.clone()))
    }

    /// Where everybody's packets can be had, in order of arrival.
    pub(super) fn present(&self) -> impl Iterator<Item = Present> {
        self.list.iter().map(|p| Present { name: p.member.name.clone(), tap: p.tap.clone() })
    }

    /// Who a tap belongs to.
    pub(super) fn owner(&self, tap: &Tap) -> Option<MemberId> {
        self.list.iter().find(|p| p.tap.is(tap)).map(|p| p.member.member.clone())
    }

    fn find(&mut self, id: &MemberId) -> Option<&mut Peer> {
        self.list.iter_mut().find(|p| p.member.member == *id)
    }

    fn take(&mut self, id: &MemberId) -> Option<Peer> {
        let at = self.list.iter().position(|p| p.member.member == *id)?;
        Some(self.list.remove(at))
    }
}

fn recording(member: &Member) -> Event {
    Event::PeerRecording { member: member.member.clone(), name: member.name.clone(), on: member.sending.recording }
}

/// Whether there is more to be seen than initials.
fn has_picture(member: &Member) -> bool {
    member.sending.camera || member.sending.sharing
}

fn left(peer: &Peer) -> Event {
    Event::PeerLeft { member: peer.member.member.clone(), name: peer.member.name.clone() }
}

fn start(member: &Member, feeds: &Feeds, volume: Volume, view: View, means: &Means) -> Option<Player> {
    let url = member.play_url.clone()?;
    let player = Player::start(play::Config {
        url,
        output: means.output.clone(),
        clock: means.clock.clone(),
        runtime: means.runtime.clone(),
        proxy: means.proxy.clone(),
        picture: feeds.picture.clone(),
        latency: means.latency,
        sync: means.sync,
        start: means.start,
        history: feeds.history.clone(),
        tap: feeds.tap.clone(),
        opener: feeds.opener.clone(),
    });
    player.expect_picture(has_picture(member));
    player.set_volume(volume.factor());
    player.set_view(view);
    player.set_planes(means.planes);
    Some(player)
}

/// Every player joins its threads when it is dropped: let them do it side by side.
fn drop_together(peers: Vec<Peer>) {
    std::thread::scope(|scope| {
        for peer in peers {
            scope.spawn(move || drop(peer));
        }
    });
}
