//! Pictures: H.264, and H.265 and AV1 where FFmpeg has them.

use super::{Error, open::open};
use crate::media::play::demux::CodedPicture;
use crate::rtmp::tag::VideoCodec;
use bytes::Bytes;
use ffmpeg_next::{Packet, decoder, frame};

/// An open decoder for pictures.
pub(in crate::media) struct VideoDecoder {
    decoder: decoder::Opened,
    codec: VideoCodec,
    config: Bytes,
}

/// A decoded picture.
pub(in crate::media) struct Decoded {
    /// When it is to be shown, in microseconds of media time.
    pub(in crate::media) media_us: i64,
    /// The picture.
    pub(in crate::media) frame: frame::Video,
}

impl VideoDecoder {
    /// A decoder for streams of this configuration.
    pub(in crate::media) fn open(codec: VideoCodec, config: Bytes) -> Result<Self, Error> {
        let names: &[&str] = match codec {
            VideoCodec::Avc => &["h264"],
            VideoCodec::Hevc => &["hevc"],
            VideoCodec::Av1 => &["libdav1d", "libaom-av1"],
            VideoCodec::Other(_) => &[],
        };
        Ok(Self { decoder: open(names, &config)?, codec, config })
    }

    /// Whether it was opened for exactly this.
    pub(in crate::media) fn is_for(&self, codec: VideoCodec, config: &Bytes) -> bool {
        (self.codec, &self.config) == (codec, config)
    }

    /// Decodes one picture; hands every one that is ready to `ready`, in the order of display.
    ///
    /// # Errors
    /// When the data is damaged or refers to pictures that are missing: the decoder needs a key frame then.
    pub(in crate::media) fn decode(&mut self, coded: &CodedPicture, mut ready: impl FnMut(Decoded)) -> Result<(), Error> {
        if coded.data.is_empty() {
            return Ok(());
        }
        let mut packet = Packet::copy(&coded.data);
        packet.set_pts(Some(coded.media_us));
        self.decoder.send_packet(&packet)?;
        loop {
            let mut frame = frame::Video::empty();
            if self.decoder.receive_frame(&mut frame).is_err() {
                return Ok(());
            }
            if frame.is_corrupt() {
                return Err(Error::Ffmpeg(ffmpeg_next::Error::InvalidData));
            }
            ready(Decoded { media_us: frame.pts().unwrap_or(coded.media_us), frame });
        }
    }

    /// Forgets the pictures that others would refer to.
    pub(in crate::media) fn flush(&mut self) {
        self.decoder.flush();
    }
}

/// The codec's name for people.
pub(in crate::media) fn name(codec: VideoCodec) -> String {
    match codec {
        VideoCodec::Avc => "H.264".to_owned(),
        VideoCodec::Hevc => "H.265".to_owned(),
        VideoCodec::Av1 => "AV1".to_owned(),
        VideoCodec::Other(code) => code.to_be_bytes().iter().map(|b| char::from(*b)).filter(char::is_ascii_graphic).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_decoder_says_so_and_garbage_is_an_error() {
        assert_eq!(VideoDecoder::open(VideoCodec::Other(1), Bytes::new()).err(), Some(Error::Unsupported));
        let mut decoder = VideoDecoder::open(VideoCodec::Avc, Bytes::new()).unwrap();
        let coded = CodedPicture { media_us: 0, key: true, data: Bytes::from_static(&[0xff; 100]) };
        let mut pictures = 0;
        assert!(decoder.decode(&coded, |_| pictures += 1).is_err() || pictures == 0);
        assert_eq!(name(VideoCodec::Other(u32::from_be_bytes(*b"vp09"))), "vp09");
    }
}
