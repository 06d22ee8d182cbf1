//! How to compile for Windows here: on Windows as cargo does it anyway, on Linux with mingw-w64's compiler and linker.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::CROSS_TARGET;
use crate::command::{cargo, output, run, target_dir};
use crate::dist::ffmpeg::Ffmpeg;
use crate::dist::{Release, reproducible};

/// The programs of mingw-w64 with POSIX threads, which C++'s standard library needs.
pub const GCC: &str = "x86_64-w64-mingw32-gcc-posix";
const GXX: &str = "x86_64-w64-mingw32-g++-posix";
const AR: &str = "x86_64-w64-mingw32-gcc-ar-posix";
const STRIP: &str = "x86_64-w64-mingw32-strip";
/// For the bindings of FFmpeg. Windows's headers draw in those of all processors' instructions; the one for AMX has a type, both packed and aligned,
/// that Rust cannot express, and is made to look as if it had been read already.
const HEADERS: &str = "--sysroot=/usr/x86_64-w64-mingw32 -I/usr/x86_64-w64-mingw32/include -D__AMXINTRIN_H";

/// A way to compile for Windows.
pub struct Toolchain {
    environment: Vec<(&'static str, OsString)>,
    cross: bool,
}

impl Toolchain {
    /// The one of this system, with Rust's standard library for it.
    pub fn new(ffmpeg: &Ffmpeg) -> Result<Self> {
        let cross = !cfg!(windows);
        let mut environment = Vec::new();
        if cross {
            standard_library()?;
            environment.extend([
                ("FFMPEG_DIR", ffmpeg.prefix.clone().into_os_string()),
                // mingw-w64's linker keeps every function that is unwound through, needed or not: 50 MB for a server. Who compiles must drop them.
                ("CARGO_PROFILE_RELEASE_LTO", "thin".into()),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1".into()),
                ("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", GCC.into()),
                ("CC_x86_64_pc_windows_gnu", GCC.into()),
                ("CXX_x86_64_pc_windows_gnu", GXX.into()),
                ("AR_x86_64_pc_windows_gnu", AR.into()),
                ("BINDGEN_EXTRA_CLANG_ARGS_x86_64_pc_windows_gnu", HEADERS.into()),
            ]);
        }
        Ok(Self { environment, cross })
    }

    /// Builds the programs.
    pub fn build(&self, release: &Release) -> Result<()> {
        let mut build = cargo();
        build.args(["build", "--release", "--locked", "--package", "parlor", "--bins"]);
        if self.cross {
            build.args(["--target", CROSS_TARGET]);
        }
        build.envs(self.environment.iter().map(|(name, value)| (name, value)));
        reproducible::prepare(&mut build, release)?;
        run(&mut build)
    }

    /// The folder of built programs.
    pub fn programs(&self) -> PathBuf {
        let target = if self.cross { target_dir().join(CROSS_TARGET) } else { target_dir() };
        target.join("release")
    }

    /// A library of the compiler itself, such as `libwinpthread-1.dll`.
    pub fn library(&self, name: &str) -> Option<PathBuf> {
        let said = self.cross.then(|| output(Command::new(GCC).arg(format!("-print-file-name={name}"))))??;
        Some(PathBuf::from(said.trim())).filter(|path| path.is_absolute() && path.is_file())
    }

    /// Takes out of a program or library what only debuggers read; with MSVC that lies in files of its own.
    pub fn strip(&self, file: &Path) -> Result<()> {
        if self.cross { run(Command::new(STRIP).arg("--strip-debug").arg(file)) } else { Ok(()) }
    }
}

/// Has rustup fetch it, unless it is there.
fn standard_library() -> Result<()> {
    let folder = output(Command::new("rustc").args(["--print", "target-libdir", "--target", CROSS_TARGET]));
    if folder.is_some_and(|folder| Path::new(folder.trim()).is_dir()) {
        return Ok(());
    }
    eprintln!("xtask: Rust's standard library for Windows is missing, so this runs now:\n    rustup target add {CROSS_TARGET}");
    run(Command::new("rustup").args(["target", "add", CROSS_TARGET])).context("without rustup, install it as your system does")
}
