//! The H.264 encoders that can do the work: the system's hardware where it is really there, else x264.

use super::Error;
use super::rate::buffer_bits;
use super::video::Config;
use ffmpeg::codec::encoder::video::Encoder;
use ffmpeg::format::Pixel;
use ffmpeg::{Dictionary, Rational, codec, encoder};
use ffmpeg_next as ffmpeg;

/// One encoder of FFmpeg, and how it is told to add no delay.
pub(super) struct Backend {
    pub(super) name: &'static str,
    pub(super) pixel: Pixel,
    options: &'static [(&'static str, &'static str)],
}

/// The one that is always there. Scene cuts make no key frames: those are ours to place.
pub(super) const SOFTWARE: Backend = Backend {
    name: "libx264",
    pixel: Pixel::YUV420P,
    options: &[
        ("preset", "superfast"),
        ("tune", "zerolatency"),
        ("profile", "baseline"),
        ("forced-idr", "1"),
        ("sc_threshold", "0"),
    ],
};

/// Tried in this order; those that take pictures from ordinary memory.
pub(super) const HARDWARE: [Backend; 5] = [
    Backend {
        name: "h264_nvenc",
        pixel: Pixel::YUV420P,
        options: &[
            ("preset", "p3"),
            ("tune", "ull"),
            ("zerolatency", "1"),
            ("delay", "0"),
            ("rc", "cbr"),
            ("profile", "baseline"),
            ("forced-idr", "1"),
            ("no-scenecut", "1"),
        ],
    },
    Backend {
        name: "h264_qsv",
        pixel: Pixel::NV12,
        options: &[
            ("preset", "veryfast"),
            ("async_depth", "1"),
            ("look_ahead", "0"),
            ("profile", "baseline"),
            ("forced_idr", "1"),
        ],
    },
    Backend {
        name: "h264_videotoolbox",
        pixel: Pixel::YUV420P,
        options: &[("realtime", "1"), ("allow_sw", "0"), ("profile", "baseline")],
    },
    Backend {
        name: "h264_amf",
        pixel: Pixel::NV12,
        options: &[("usage", "ultralowlatency"), ("profile", "constrained_baseline"), ("forced_idr", "1"), ("rc", "cbr")],
    },
    Backend {
        name: "h264_mf",
        pixel: Pixel::NV12,
        options: &[("hw_encoding", "1"), ("scenario", "video_conference"), ("rate_control", "cbr")],
    },
];

impl Backend {
    /// Opens the encoder.
    pub(super) fn open(&self, config: &Config) -> Result<Encoder, Error> {
        crate::media::ready();
        let failed = |cause| Error::failed(self.name, cause);
        let found = encoder::find_by_name(self.name).ok_or(Error::Missing(self.name))?;
        let mut video = codec::Context::new_with_codec(found).encoder().video().map_err(failed)?;
        let fps = config.rate.fps.max(1) as i32;
        video.set_width(config.width);
        video.set_height(config.height);
        video.set_format(self.pixel);
        video.set_time_base(Rational::new(1, fps));
        video.set_frame_rate(Some(Rational::new(fps, 1)));
        video.set_bit_rate(config.rate.kbps as usize * 1000);
        video.set_max_bit_rate(config.rate.kbps as usize * 1000);
        video.set_max_b_frames(0);
        // Key frames come when they are asked for.
        video.set_gop(1 << 20);
        let mut options: Dictionary<'_> = self.options.iter().copied().collect();
        options.set("bufsize", &buffer_bits(config.rate).to_string());
        options.set("threads", "1");
        let matrix = if config.height >= 720 { "bt709" } else { "smpte170m" };
        for key in ["colorspace", "color_primaries", "color_trc"] {
            options.set(key, matrix);
        }
        options.set("color_range", "tv");
        video.open_as_with(found, options).map_err(failed)
    }
}
