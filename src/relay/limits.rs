//! Every limit of the relay, with its reason.

use std::time::Duration;

/// Streams at once. A process serves some hundred calls at most; this keeps invented names from filling its memory.
pub const STREAMS: usize = 4096;

/// Readers of one stream. One CPU core forwards a 1 Mbit/s stream to some thousand.
pub const READERS: usize = 4096;

/// Bytes of a stream's name.
pub const NAME: usize = 256;

/// How late media may be when it leaves the relay: in a call, older pictures only make the talk slower.
pub const SPAN: Duration = Duration::from_millis(300);

/// How late sound may be: it is small and a gap hurts more than in the picture, but a second is useless in any talk.
pub const SOUND_SPAN: Duration = Duration::from_secs(1);

/// Bytes that wait for one reader: 300 ms of 100 Mbit/s. Payloads are shared, so this is what a stuck reader keeps alive at most.
pub const RING: usize = 4 * 1024 * 1024;

/// How late pictures may be for viewers of a live stream, who talk to nobody: they rather see a hitch late than a gap.
pub const LIVE_SPAN: Duration = Duration::from_secs(1);

/// Bytes handed to a connection at once when it takes bytes again. What is here can no longer be dropped, and more than this no longer saves
/// anything. Shared by the answers to a peer: one that takes none is not listened to.
pub const BATCH: usize = 4 * 1024;

/// Bytes handed at once to one that has fallen behind: little, so that the system does not hide how slow it is.
pub const TRICKLE: usize = 1024;

/// How long packets of live streams may wait for others to be written with.
pub const GATHER: Duration = Duration::from_millis(10);

/// Packets that are gathered at most; a second of a stream has about 80.
pub const GATHERED: usize = 32;

/// A reader that keeps up for this long has left its troubles behind.
pub const STEADY: Duration = Duration::from_secs(10);

/// What was measured of a reader's network is believed by half after this time: it is tried again with pictures after some such times.
pub const DISBELIEF: Duration = Duration::from_secs(20);

/// A stored header (codec configuration, metadata, clock); real ones have some hundred bytes.
pub const HEADER: usize = 64 * 1024;

/// Key frames asked of one publisher: one a second for all readers together, because each costs as much as ten other pictures.
pub const KEY_FRAME_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of the pictures since the newest key frame that are kept for readers who come within [`KEY_FRAME_INTERVAL`]: a second of a
/// call, and a key frame. Each stream may need as much whenever somebody comes.
pub const RECENT: usize = 128 * 1024;

/// Bytes of the group of pictures that is kept for viewers of a live stream who come in its middle: ten seconds of 3 Mbit/s.
pub const GROUP: usize = 4 * 1024 * 1024;

/// How old the key frame of such a group may be. A viewer who sees it plays that late, or rushes through it.
pub const GROUP_SPAN: Duration = Duration::from_secs(10);

/// How long the policy may think.
pub const AUTHORIZE: Duration = Duration::from_secs(5);

/// How long a player may wait for a publisher unless its grant says otherwise.
pub const PENDING: Duration = Duration::from_secs(30);

/// How long readers stay when their publisher's connection breaks: a client that reconnects is back within this time.
pub const LINGER: Duration = Duration::from_secs(5);

/// A publisher that sends nothing for this long is gone; ours send a clock message every second even without picture and sound.
pub const PUBLISHER_IDLE: Duration = Duration::from_secs(15);

/// A publisher that sends more than its grant allows for this long is sent away: long enough for a burst after a network break.
pub const OVERSPEED_GRACE: Duration = Duration::from_secs(10);

/// A stream whose last packet is older than this does not flow (for whoever asks whether a member is still there).
pub const LIVE: Duration = Duration::from_secs(5);

/// After this silence anyone with a grant may take a publisher's name: its connection broke and nobody has told us.
pub const TAKEOVER_SILENCE: Duration = Duration::from_secs(3);

/// A connection that neither publishes nor plays.
pub const IDLE: Duration = Duration::from_secs(15);

/// A reader's connection that takes not a single byte for this long is dead.
pub const STALLED: Duration = Duration::from_secs(15);

/// How long a closing connection may take to be told why.
pub const FAREWELL: Duration = Duration::from_millis(200);

/// How often a publisher is told how its stream arrives: often enough for it to act before people notice.
pub const REPORT_INTERVAL: Duration = Duration::from_millis(200);

/// A packet of a call that waits for its reader for longer than this tells that the reader's network is too slow, though it cannot say so.
pub const LAG: Duration = Duration::from_millis(100);

/// How often a connection looks at its timeouts: none is shorter than this, none needs to be exact.
pub const TICK: Duration = Duration::from_secs(1);
