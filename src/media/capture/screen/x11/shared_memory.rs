//! Memory that the X server writes pictures into, without their going through a socket (the MIT-SHM extension).
//!
//! Unsafe code is allowed in this file alone: memory that another process writes cannot be mapped without. What is relied upon: the segment is
//! used by this connection only, the server writes into it only between a request for a picture and its reply, and it is read only after that.
#![allow(unsafe_code)]

use super::x::{X, failed};
use crate::media::capture::source::SourceError;
use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use x11rb::connection::Connection;
use x11rb::protocol::shm::{ConnectionExt as _, Seg};

/// A piece of memory, seen here and by the server.
pub(super) struct Segment {
    pub(super) id: Seg,
    map: MmapMut,
}

impl Segment {
    /// Asks the server for `len` bytes.
    pub(super) fn new(x: &X, len: usize) -> Result<Self, SourceError> {
        let too_large = |_| SourceError::from(std::io::Error::from(std::io::ErrorKind::InvalidInput));
        let size = u32::try_from(len).map_err(too_large)?;
        let id = x.server.generate_id().map_err(failed)?;
        let reply = x.server.shm_create_segment(id, size, false).map_err(failed)?.reply().map_err(failed)?;
        let file = File::from(reply.shm_fd);
        // SAFETY: the file is the server's, made for this; it is neither truncated nor used by others (see above).
        let map = unsafe { MmapOptions::new().len(len).map_mut(&file) }.map_err(SourceError::from)?;
        Ok(Self { id, map })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// Gives it back.
    pub(super) fn free(self, x: &X) {
        // Without a connection there is nothing to give back.
        let _ = x.server.shm_detach(self.id);
    }
}
