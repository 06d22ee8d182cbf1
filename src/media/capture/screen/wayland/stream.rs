//! Pictures from PipeWire.
//!
//! Its loop has a thread of its own, and is never left while the stream lives: what PipeWire's other threads have to say while nobody is in the loop
//! they say at once, in the midst of whatever goes on. Pictures are copied once, because the sender wants its memory back.

use super::portal::Remote;
use crate::base::{Slot, Worker};
use crate::media::capture::screen::grab::Shot;
use crate::media::capture::source::{SourceError, SourceErrorKind};
use crate::media::convert::{Order, Pixels};
use pipewire::channel;
use pipewire::context::ContextRc;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::format_utils::parse_format;
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::{self, Pod, serialize::PodSerializer};
use pipewire::spa::utils::{Direction, Fraction, Rectangle, SpaTypes};
use pipewire::stream::{StreamFlags, StreamRc, StreamState};
use std::time::{Duration, Instant};

/// A stream that gives no picture within this gives none.
const FIRST: Duration = Duration::from_secs(8);
/// How often to look whether it has failed while the first picture is awaited.
const TURN: Duration = Duration::from_millis(50);
/// Larger pictures are refused, in pixels each way.
const MOST: u32 = 16_384;

/// A running stream. Dropping it ends it.
pub(super) struct Stream {
    frames: Slot<Frame>,
    /// Why there will be no more.
    over: Slot<String>,
    /// The picture that is lent out.
    shown: Frame,
    quit: channel::Sender<Quit>,
    _worker: Worker,
}

/// Asks the loop to end.
struct Quit;

/// A picture.
#[derive(Default)]
struct Frame {
    size: (u32, u32),
    stride: usize,
    order: Order,
    pixels: Vec<u8>,
}

impl Stream {
    /// Connects, and waits for the first picture.
    pub(super) fn open(remote: Remote) -> Result<Self, SourceError> {
        let (frames, over) = (Slot::new(), Slot::new());
        let (quit, asked) = channel::channel();
        let (out, end) = (frames.clone(), over.clone());
        let worker = Worker::spawn("screen-stream", move |_| {
            if let Err(error) = run(remote, asked, &out, &end) {
                end.put(error.to_string());
            }
        })?;
        let mut stream = Self { frames, over, shown: Frame::default(), quit, _worker: worker };
        let deadline = Instant::now() + FIRST;
        while stream.next(TURN)?.is_none() {
            if Instant::now() > deadline {
                return Err(SourceError::new(SourceErrorKind::Stalled, "the system gives no picture of the screen"));
            }
        }
        Ok(stream)
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.shown.size
    }

    /// The newest picture, if there is a new one within `limit`.
    pub(super) fn next(&mut self, limit: Duration) -> Result<Option<Shot<'_>>, SourceError> {
        let Some(frame) = self.frames.take_within(limit) else {
            return match self.over.take() {
                Some(why) => Err(SourceError::new(SourceErrorKind::Gone, format!("the screen's stream ended: {why}"))),
                None => Ok(None),
            };
        };
        self.shown = frame;
        let Frame { size, stride, order, pixels } = &self.shown;
        Ok(Some(Shot { pixels: Pixels { size: *size, stride: *stride, order: *order, data: pixels }, changed: true }))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A loop that is over does not listen any more.
        let _ = self.quit.send(Quit);
    }
}

/// The body of the thread: PipeWire's loop. Everything that calls back does it here, because the loop is never left while the stream lives.
fn run(remote: Remote, asked: channel::Receiver<Quit>, frames: &Slot<Frame>, over: &Slot<String>) -> Result<(), pipewire::Error> {
    pipewire::init();
    let main_loop = MainLoopRc::new(None)?;
    let context = ContextRc::new(&main_loop, None)?;
    let core = context.connect_fd_rc(remote.fd, None)?;
    let role = properties! {
        *pipewire::keys::MEDIA_TYPE => "Video",
        *pipewire::keys::MEDIA_CATEGORY => "Capture",
        *pipewire::keys::MEDIA_ROLE => "Screen",
    };
    let stream = StreamRc::new(core.clone(), "parlor-screen", role)?;
    let newest = Newest { frames: frames.clone(), ..Newest::default() };
    let (ended, looping) = (over.clone(), main_loop.clone());
    let _listener = stream
        .add_local_listener_with_user_data(newest)
        .state_changed(move |_, newest, old, new| {
            tracing::debug!(?old, ?new, "the screen's stream");
            let why = match new {
                StreamState::Error(why) => why,
                // Before it has begun, it is not connected either.
                StreamState::Unconnected if newest.begun => "the system ended it".to_owned(),
                StreamState::Unconnected | StreamState::Connecting | StreamState::Paused | StreamState::Streaming => return,
            };
            ended.put(why);
            looping.quit();
        })
        .param_changed({
            let (ended, looping) = (over.clone(), main_loop.clone());
            move |_, newest, id, format| {
                if let Some(format) = format.filter(|_| id == ParamType::Format.as_raw())
                    && let Err(why) = newest.agree(format)
                {
                    ended.put(why);
                    looping.quit();
                }
            }
        })
        .process(|stream, newest| {
            // The newest of those that wait; the others go back unread.
            let mut last = None;
            while let Some(buffer) = stream.dequeue_buffer() {
                last = Some(buffer);
            }
            if let Some(data) = last.as_mut().and_then(|buffer| buffer.datas_mut().first_mut()) {
                let (offset, size, stride) = (data.chunk().offset(), data.chunk().size(), data.chunk().stride());
                if let Some(bytes) = data.data() {
                    newest.take(bytes, offset, size, stride);
                }
            }
        })
        .register()?;
    let wanted = wanted_format();
    let mut params: Vec<&Pod> = wanted.as_deref().and_then(Pod::from_bytes).into_iter().collect();
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS;
    stream.connect(Direction::Input, Some(remote.node), flags, &mut params)?;
    let (ending, looping) = (stream.clone(), main_loop.clone());
    let _asked = asked.attach(main_loop.loop_(), move |Quit| {
        if let Err(error) = ending.disconnect() {
            tracing::debug!(%error, "the screen's stream was over already");
        }
        looping.quit();
    });
    main_loop.run();
    Ok(())
}

/// What the stream's own callbacks know.
#[derive(Default)]
struct Newest {
    format: VideoInfoRaw,
    order: Order,
    size: (u32, u32),
    frames: Slot<Frame>,
    /// Memory of a picture that nobody took.
    spare: Vec<u8>,
    begun: bool,
}

impl Newest {
    /// Notes the format that was agreed upon; the error says what is wrong with it.
    fn agree(&mut self, format: &Pod) -> Result<(), String> {
        let raw = parse_format(format).is_ok_and(|kind| kind == (MediaType::Video, MediaSubtype::Raw));
        if !raw || self.format.parse(format).is_err() {
            return Ok(());
        }
        let Rectangle { width, height } = self.format.size();
        let order = match self.format.format() {
            VideoFormat::BGRx | VideoFormat::BGRA => Some(Order::Bgr),
            VideoFormat::RGBx | VideoFormat::RGBA => Some(Order::Rgb),
            _ => None,
        };
        let order = order.filter(|_| (1..=MOST).contains(&width) && (1..=MOST).contains(&height));
        let order = order.ok_or_else(|| format!("pictures of {width}x{height} in an unknown format"))?;
        (self.size, self.order, self.begun) = ((width, height), order, true);
        Ok(())
    }

    /// Copies a picture out of the sender's memory.
    fn take(&mut self, bytes: &[u8], offset: u32, size: u32, stride: i32) {
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        // Some senders leave the length of a row out.
        let stride = usize::try_from(stride).ok().filter(|stride| *stride >= width * 4).unwrap_or(width * 4);
        let needed = height.saturating_sub(1) * stride + width * 4;
        let bytes = bytes.get(offset as usize..).unwrap_or_default();
        // A picture without content says that only the pointer moved, or that it was spoilt.
        if size == 0 || needed == 0 || bytes.len() < needed {
            return;
        }
        let mut pixels = std::mem::take(&mut self.spare);
        pixels.clear();
        pixels.extend_from_slice(&bytes[..needed]);
        let old = self.frames.put(Frame { size: self.size, stride, order: self.order, pixels });
        self.spare = old.map(|frame| frame.pixels).unwrap_or_default();
    }
}

/// Pixels of four bytes, of any size, at any rate.
fn wanted_format() -> Option<Vec<u8>> {
    let object = pod::object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        pod::property!(FormatProperties::MediaType, Id, MediaType::Video),
        pod::property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        pod::property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::BGRA,
            VideoFormat::RGBx,
            VideoFormat::RGBA,
        ),
        pod::property!(
            FormatProperties::VideoSize,
            Choice,
            Range,
            Rectangle,
            Rectangle { width: 1920, height: 1080 },
            Rectangle { width: 1, height: 1 },
            Rectangle { width: MOST, height: MOST }
        ),
        pod::property!(
            FormatProperties::VideoFramerate,
            Choice,
            Range,
            Fraction,
            Fraction { num: 30, denom: 1 },
            Fraction { num: 0, denom: 1 },
            Fraction { num: 240, denom: 1 }
        ),
    );
    let written = PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &pod::Value::Object(object));
    written
        .inspect_err(|error| tracing::error!(?error, "the wanted format cannot be written"))
        .ok()
        .map(|(cursor, _)| cursor.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_taken_from_the_senders_memory_and_nothing_beyond_it() {
        let mut newest = Newest { size: (2, 2), ..Newest::default() };
        let frames = newest.frames.clone();
        let memory: Vec<u8> = (0..40).collect();
        newest.take(&memory, 4, 24, 12);
        assert!(frames.take().is_some_and(|frame| frame.stride == 12 && frame.pixels == memory[4..24]));
        newest.take(&memory, 30, 24, 12);
        newest.take(&memory, 0, 0, 12);
        newest.take(&memory, u32::MAX, 24, -5);
        assert!(frames.take().is_none(), "cut off, without content, beyond the end");
        newest.take(&memory, 0, 16, 0);
        assert!(frames.take().is_some_and(|frame| frame.stride == 8 && frame.pixels.len() == 16));
    }

    #[test]
    fn what_is_wanted_can_be_read() {
        let bytes = wanted_format().unwrap();
        let format = Pod::from_bytes(&bytes).unwrap();
        assert_eq!(parse_format(format).unwrap(), (MediaType::Video, MediaSubtype::Raw));
    }
}
