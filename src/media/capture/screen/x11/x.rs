//! A connection to the X server, and what is asked of it often.

use crate::media::capture::screen::target::Area;
use crate::media::capture::source::{SourceError, SourceErrorKind};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, ImageOrder, Window};
use x11rb::protocol::{ErrorKind, composite, shm, xfixes};
use x11rb::rust_connection::RustConnection;

/// Values of a property that are read at most, in words of four bytes: a list of windows, or a title.
const PROPERTY_WORDS: u32 = 4096;

x11rb::atom_manager! {
    /// What is asked for by name.
    pub(super) Atoms:
    AtomsCookie {
        _NET_CLIENT_LIST_STACKING,
        _NET_CLIENT_LIST,
        _NET_WM_NAME,
        _NET_WM_PID,
        _NET_FRAME_EXTENTS,
        UTF8_STRING,
        WM_STATE,
    }
}

/// The server.
pub(super) struct X {
    pub(super) server: RustConnection,
    pub(super) root: Window,
    pub(super) atoms: Atoms,
    pub(super) has_shared_memory: bool,
    pub(super) has_cursor: bool,
    pub(super) has_composite: bool,
}

/// A screen.
pub(super) struct Monitor {
    pub(super) name: String,
    pub(super) primary: bool,
    pub(super) area: Area,
}

impl X {
    pub(super) fn connect() -> Result<Self, SourceError> {
        let (server, number) = x11rb::connect(None).map_err(failed::<ConnectError>)?;
        let setup = server.setup();
        let screen = setup.roots.get(number).ok_or_else(|| other("the X server has no screen"))?;
        let (root, depth) = (screen.root, screen.root_depth);
        let bits = setup.pixmap_formats.iter().find(|format| format.depth == depth).map(|format| format.bits_per_pixel);
        if bits != Some(32) || depth < 24 || setup.image_byte_order != ImageOrder::LSB_FIRST {
            let detail = format!("the X server's pixels of depth {depth} are not understood");
            return Err(SourceError::new(SourceErrorKind::UnsupportedFormat, detail));
        }
        let atoms = Atoms::new(&server).map_err(failed::<ConnectionError>)?.reply().map_err(failed::<ReplyError>)?;
        let has = |name| server.extension_information(name).ok().flatten().is_some();
        let (has_shared_memory, has_cursor) = (has(shm::X11_EXTENSION_NAME), has(xfixes::X11_EXTENSION_NAME));
        let has_composite = has(composite::X11_EXTENSION_NAME);
        // Extensions are spoken only after this.
        if has_cursor {
            let _ = xfixes::query_version(&server, 5, 0).map_err(failed::<ConnectionError>)?.reply();
        }
        if has_composite {
            let _ = composite::query_version(&server, 0, 4).map_err(failed::<ConnectionError>)?.reply();
        }
        Ok(Self { server, root, atoms, has_shared_memory, has_cursor, has_composite })
    }

    /// All of the screen.
    pub(super) fn everything(&self) -> Result<Area, SourceError> {
        let root = self.server.get_geometry(self.root).map_err(failed)?.reply().map_err(failed)?;
        Ok(Area { x: 0, y: 0, width: root.width.into(), height: root.height.into() })
    }

    /// The screens, the main one first. A server that knows nothing of screens has one.
    pub(super) fn monitors(&self) -> Result<Vec<Monitor>, SourceError> {
        let mut monitors = Vec::new();
        let knows = self.server.extension_information(randr::X11_EXTENSION_NAME).map_err(failed)?.is_some();
        let version = || Some(self.server.randr_query_version(1, 5).ok()?.reply().ok()?.minor_version);
        if knows && version().is_some_and(|minor| minor >= 5) {
            let reply = self.server.randr_get_monitors(self.root, true).map_err(failed)?.reply().map_err(failed)?;
            for info in reply.monitors {
                let name = self.server.get_atom_name(info.name).map_err(failed)?.reply().map_err(failed)?.name;
                monitors.push(Monitor {
                    name: String::from_utf8_lossy(&name).into_owned(),
                    primary: info.primary,
                    area: Area { x: info.x.into(), y: info.y.into(), width: info.width.into(), height: info.height.into() },
                });
            }
        }
        if monitors.is_empty() {
            monitors.push(Monitor { name: "screen".to_owned(), primary: true, area: self.everything()? });
        }
        monitors.sort_by_key(|monitor| !monitor.primary);
        Ok(monitors)
    }

    /// A property as numbers of 32 bits.
    pub(super) fn numbers(&self, window: Window, property: Atom) -> Result<Vec<u32>, SourceError> {
        let cookie = self.server.get_property(false, window, property, AtomEnum::ANY, 0, PROPERTY_WORDS).map_err(failed)?;
        let reply = cookie.reply().map_err(failed)?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }

    /// A property as text.
    pub(super) fn text(&self, window: Window, property: Atom) -> Result<String, SourceError> {
        let cookie = self.server.get_property(false, window, property, AtomEnum::ANY, 0, PROPERTY_WORDS).map_err(failed)?;
        let reply = cookie.reply().map_err(failed)?;
        Ok(String::from_utf8_lossy(&reply.value).trim().to_owned())
    }
}

fn other(detail: impl Into<String>) -> SourceError {
    SourceError::new(SourceErrorKind::Other, detail)
}

/// What went wrong between us and the server.
pub(super) fn failed<E: Into<Failure>>(error: E) -> SourceError {
    match error.into() {
        Failure::Said(error) => {
            let kind = match error.error_kind {
                ErrorKind::Window | ErrorKind::Drawable => SourceErrorKind::Gone,
                ErrorKind::Access => SourceErrorKind::Denied,
                _ => SourceErrorKind::Other,
            };
            SourceError::new(kind, format!("the X server refuses: {:?} in request {}", error.error_kind, error.major_opcode))
        }
        Failure::Broke(detail) => other(detail),
    }
}

/// An error of the server's, or of the connection.
pub(super) enum Failure {
    Said(x11rb::x11_utils::X11Error),
    Broke(String),
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::Broke(format!("the X server cannot be reached: {error}"))
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::Broke(format!("the connection to the X server broke: {error}"))
    }
}

impl From<ReplyError> for Failure {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => error.into(),
            ReplyError::X11Error(error) => Self::Said(error),
        }
    }
}

impl From<ReplyOrIdError> for Failure {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::IdsExhausted => Self::Broke("the X server gives no more numbers".to_owned()),
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => Self::Said(error),
        }
    }
}
