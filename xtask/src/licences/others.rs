//! What is in the programs or in the packages to install, and is no Rust package.

/// Something of that kind.
pub struct Other {
    /// What it is called.
    pub name: &'static str,
    /// Its licence, as an SPDX expression; what one is told where there is none.
    pub licence: &'static str,
    /// Whose it is, and where it is used.
    pub notices: &'static [&'static str],
    /// Its files in `assets/fonts`, the licence's among them.
    pub files: &'static [&'static str],
}

pub const ALL: &[Other] = &[
    Other {
        name: "FFmpeg (libavcodec, libavformat, libavutil, libswscale, libswresample)",
        licence: "GPL-2.0-or-later OR GPL-3.0-or-later",
        notices: &[
            "Copyright (c) the FFmpeg developers",
            "As shared libraries: those of the system in the Debian package, beside the programs in all others.",
            "Under the LGPL 2.1 or later by itself, under the GPL with x264; what the one in use says of itself is in About and in --version.",
            "Its source is at https://ffmpeg.org/.",
        ],
        files: &[],
    },
    Other {
        name: "Inter 4.0 (font)",
        licence: "OFL-1.1",
        notices: &["Cut down to Latin, Greek and Cyrillic."],
        files: &["Inter-Regular.otf", "Inter-SemiBold.otf", "LICENSE-Inter.txt"],
    },
    Other {
        name: "Droid Sans Fallback (font)",
        licence: "Apache-2.0",
        notices: &["Cut down to GB 2312."],
        files: &["DroidSansFallback-GB2312.ttf", "LICENSE-DroidSansFallback.txt"],
    },
    Other {
        name: "Noto Emoji (font)",
        licence: "OFL-1.1",
        notices: &[],
        files: &["NotoEmoji-Regular.ttf", "LICENSE-NotoEmoji.txt"],
    },
    Other {
        name: "Material Symbols (font of icons)",
        licence: "Apache-2.0",
        notices: &["Copyright Google LLC", "Within the package egui_material_icons."],
        files: &[],
    },
    Other {
        name: "Opus (libopus)",
        licence: "BSD-3-Clause",
        notices: &[
            "Within the package opusic-sys, whose licences are its own; in the packages that bring FFmpeg also with that.",
        ],
        files: &[],
    },
    Other {
        name: "Rust's standard library",
        licence: "MIT OR Apache-2.0",
        notices: &["Copyright (c) The Rust Project Contributors"],
        files: &[],
    },
    Other {
        name: "Sounds",
        licence: "Nobody else's",
        notices: &["The sounds when people come, go and write are computed by Parlor itself; there are no recordings in it."],
        files: &[],
    },
    Other {
        name: "winpthreads (libwinpthread-1.dll)",
        licence: "MIT",
        notices: &["Copyright (c) 2011-2016 mingw-w64 project", "In the packages for Windows only."],
        files: &[],
    },
    Other {
        name: "x264 (libx264)",
        licence: "GPL-2.0-or-later",
        notices: &[
            "Copyright (c) the x264 project",
            "As a shared library, loaded by FFmpeg. Its source is at https://www.videolan.org/developers/x264.html.",
        ],
        files: &[],
    },
];
