//! Pictures from PipeWire.
//!
//! All of it lives on the thread that looks: the loop is turned while that waits for a picture. Pictures are copied once, because the sender
//! wants its memory back.

use super::portal::Remote;
use crate::media::capture::screen::grab::Shot;
use crate::media::capture::source::{SourceError, SourceErrorKind};
use crate::media::convert::{Order, Pixels};
use pipewire::context::ContextRc;
use pipewire::core::CoreRc;
use pipewire::loop_::Timeout;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::format_utils::parse_format;
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::{self, Pod, serialize::PodSerializer};
use pipewire::spa::utils::{Direction, Fraction, Rectangle, SpaTypes};
use pipewire::stream::{StreamFlags, StreamListener, StreamRc, StreamState};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A stream that gives no picture within this gives none.
const FIRST: Duration = Duration::from_secs(8);
/// How long one turn of the loop may take while the first picture is awaited.
const TURN: Duration = Duration::from_millis(50);
/// Larger pictures are refused, in pixels each way.
const MOST: u32 = 16_384;

/// A running stream.
pub(super) struct Stream {
    newest: Rc<RefCell<Newest>>,
    /// The picture that is lent out.
    shown: Vec<u8>,
    main_loop: MainLoopRc,
    _listener: StreamListener<Rc<RefCell<Newest>>>,
    _stream: StreamRc,
    _core: CoreRc,
}

/// The newest picture.
#[derive(Default)]
struct Newest {
    format: VideoInfoRaw,
    order: Order,
    size: (u32, u32),
    stride: usize,
    pixels: Vec<u8>,
    fresh: bool,
    over: Option<String>,
}

impl Stream {
    /// Connects, and waits for the first picture.
    pub(super) fn open(remote: Remote) -> Result<Self, SourceError> {
        pipewire::init();
        let main_loop = MainLoopRc::new(None).map_err(failed)?;
        let context = ContextRc::new(&main_loop, None).map_err(failed)?;
        let core = context.connect_fd_rc(remote.fd, None).map_err(failed)?;
        let role = properties! {
            *pipewire::keys::MEDIA_TYPE => "Video",
            *pipewire::keys::MEDIA_CATEGORY => "Capture",
            *pipewire::keys::MEDIA_ROLE => "Screen",
        };
        let stream = StreamRc::new(core.clone(), "parlor-screen", role).map_err(failed)?;
        let newest = Rc::new(RefCell::new(Newest::default()));
        let listener = stream
            .add_local_listener_with_user_data(newest.clone())
            .state_changed(|_, newest, old, new| {
                tracing::debug!(?old, ?new, "the screen's stream");
                match new {
                    StreamState::Error(why) => newest.borrow_mut().over = Some(why),
                    StreamState::Unconnected => newest.borrow_mut().over = Some("the system ended it".to_owned()),
                    StreamState::Connecting | StreamState::Paused | StreamState::Streaming => {}
                }
            })
            .param_changed(|_, newest, id, format| {
                if let Some(format) = format.filter(|_| id == ParamType::Format.as_raw()) {
                    newest.borrow_mut().agree(format);
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
                        newest.borrow_mut().take(bytes, offset, size, stride);
                    }
                }
            })
            .register()
            .map_err(failed)?;
        let wanted = wanted_format()?;
        let mut params = [Pod::from_bytes(&wanted).ok_or_else(|| other("the wanted format cannot be written"))?];
        let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS;
        stream.connect(Direction::Input, Some(remote.node), flags, &mut params).map_err(failed)?;
        let (shown, _listener, _stream, _core) = (Vec::new(), listener, stream, core);
        let stream = Self { newest, shown, main_loop, _listener, _stream, _core };
        let deadline = Instant::now() + FIRST;
        while !stream.newest.borrow().fresh {
            stream.turn(TURN)?;
            if Instant::now() > deadline {
                return Err(SourceError::new(SourceErrorKind::Stalled, "the system gives no picture of the screen"));
            }
        }
        Ok(stream)
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.newest.borrow().size
    }

    /// The newest picture, if there is a new one within `limit`.
    pub(super) fn next(&mut self, limit: Duration) -> Result<Option<Shot<'_>>, SourceError> {
        self.turn(Duration::ZERO)?;
        if !self.newest.borrow().fresh {
            self.turn(limit)?;
        }
        let mut newest = self.newest.borrow_mut();
        if !std::mem::take(&mut newest.fresh) {
            return Ok(None);
        }
        std::mem::swap(&mut newest.pixels, &mut self.shown);
        let (size, stride, order) = (newest.size, newest.stride, newest.order);
        drop(newest);
        Ok(Some(Shot { pixels: Pixels { size, stride, order, data: &self.shown }, changed: true }))
    }

    /// Lets what has arrived be looked at.
    fn turn(&self, wait: Duration) -> Result<(), SourceError> {
        self.main_loop.loop_().iterate(Timeout::Finite(wait));
        match &self.newest.borrow().over {
            Some(why) => Err(SourceError::new(SourceErrorKind::Gone, format!("the screen's stream ended: {why}"))),
            None => Ok(()),
        }
    }
}

impl Newest {
    /// Notes the format that was agreed upon.
    fn agree(&mut self, format: &Pod) {
        let raw = parse_format(format).is_ok_and(|kind| kind == (MediaType::Video, MediaSubtype::Raw));
        if !raw || self.format.parse(format).is_err() {
            return;
        }
        let Rectangle { width, height } = self.format.size();
        let order = match self.format.format() {
            VideoFormat::BGRx | VideoFormat::BGRA => Some(Order::Bgr),
            VideoFormat::RGBx | VideoFormat::RGBA => Some(Order::Rgb),
            _ => None,
        };
        match order.filter(|_| (1..=MOST).contains(&width) && (1..=MOST).contains(&height)) {
            Some(order) => (self.size, self.order) = ((width, height), order),
            None => self.over = Some(format!("pictures of {width}x{height} in an unknown format")),
        }
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
        self.pixels.clear();
        self.pixels.extend_from_slice(&bytes[..needed]);
        (self.stride, self.fresh) = (stride, true);
    }
}

/// Pixels of four bytes, of any size, at any rate.
fn wanted_format() -> Result<Vec<u8>, SourceError> {
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
    written.map(|(cursor, _)| cursor.into_inner()).map_err(|error| other(format!("the wanted format: {error:?}")))
}

fn failed(error: pipewire::Error) -> SourceError {
    other(format!("PipeWire: {error}"))
}

fn other(detail: impl Into<String>) -> SourceError {
    SourceError::new(SourceErrorKind::Other, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_taken_from_the_senders_memory_and_nothing_beyond_it() {
        let mut newest = Newest { size: (2, 2), ..Newest::default() };
        let memory: Vec<u8> = (0..40).collect();
        newest.take(&memory, 4, 24, 12);
        assert!(newest.fresh && newest.stride == 12 && newest.pixels == memory[4..24]);
        newest.fresh = false;
        newest.take(&memory, 30, 24, 12);
        newest.take(&memory, 0, 0, 12);
        newest.take(&memory, u32::MAX, 24, -5);
        assert!(!newest.fresh, "cut off, without content, beyond the end");
        newest.take(&memory, 0, 16, 0);
        assert!(newest.fresh && newest.stride == 8 && newest.pixels.len() == 16);
    }

    #[test]
    fn what_is_wanted_can_be_read() {
        let bytes = wanted_format().unwrap();
        let format = Pod::from_bytes(&bytes).unwrap();
        assert_eq!(parse_format(format).unwrap(), (MediaType::Video, MediaSubtype::Raw));
    }
}
