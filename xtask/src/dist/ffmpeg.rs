//! FFmpeg with x264 and no more than Parlor uses, for where the system has none that fits: Windows, and the archive for Linux.
//!
//! It is built from the sources of the distribution's packages, which `apt` fetches and whose signatures it checks: the version is the one that
//! Parlor is tested with here. For Windows `FFMPEG_DIR` may name one that is there already; on Windows itself it must, or vcpkg has one.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};

use super::windows::GCC;
use crate::command::{target_dir, typed};

/// Decoders and demuxers are for films as a source, for streams of the live page, and for cameras that speak JPEG; encoders for calls.
const PARTS: [(&str, &str); 7] = [
    ("encoder", "libx264,aac,mjpeg,pcm_s16le"),
    (
        "decoder",
        "h264,hevc,vp8,vp9,mpeg4,h263,msmpeg4v3,mjpeg,prores,png,webp,flv,wmv3,wmav2,aac,aac_latm,mp3float,mp3,ac3,opus,vorbis,flac,alac,\
         pcm_s16le,pcm_s16be,pcm_s24le,pcm_f32le,pcm_u8",
    ),
    ("parser", "h264,hevc,vp8,vp9,av1,mpeg4video,mjpeg,png,aac,aac_latm,mpegaudio,ac3,opus,vorbis,flac"),
    ("demuxer", "flv,live_flv,hls,mpegts,mov,matroska,avi,asf,mp3,aac,wav,ogg,flac,webvtt,image2,h264,hevc"),
    ("muxer", "matroska,mov,mp4,flv"),
    ("bsf", "h264_mp4toannexb,hevc_mp4toannexb,aac_adtstoasc,extract_extradata,vp9_superframe_split,null"),
    ("protocol", "file,http,https,tcp,tls,crypto,httpproxy,data,pipe"),
];

/// A built FFmpeg.
pub struct Ffmpeg {
    /// Holds `include`, `lib` and `bin`.
    pub prefix: PathBuf,
    /// The archives it was built from; none, if it was there already.
    pub sources: Vec<PathBuf>,
    /// The text of its licence.
    pub licence: Option<PathBuf>,
}

impl Ffmpeg {
    /// Copies the sources to `folder`: who passes on the libraries passes on their sources, as the GPL asks.
    pub fn publish_sources(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let copies = self.sources.iter().map(|source| {
            let copy = folder.join(source.file_name().context("a source without a name")?);
            fs::copy(source, &copy).with_context(|| format!("copying {}", source.display()))?;
            Ok(copy)
        });
        copies.collect()
    }
}

/// What it is built for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Windows,
    Linux,
}

/// One for Windows: that which is there, or a fresh one.
pub fn for_windows() -> Result<Ffmpeg> {
    if let Some(prefix) = there_already()? {
        let names = ["COPYING.GPLv2", "LICENSE.txt", "LICENSE", "share/ffmpeg/copyright"];
        let licence = names.map(|name| prefix.join(name)).into_iter().find(|file| file.is_file());
        return Ok(Ffmpeg { prefix, sources: Vec::new(), licence });
    }
    built(For::Windows)
}

/// One for Linux, with the names and versions of the libraries that the programs were linked with here.
pub fn for_linux() -> Result<Ffmpeg> {
    built(For::Linux)
}

/// A fresh one, which takes some minutes; kept in the target folder.
fn built(system: For) -> Result<Ffmpeg> {
    let work = target_dir().join("ffmpeg");
    let archives = work.join("archives");
    let work = work.join(if system == For::Windows { "windows" } else { "linux" });
    let prefix = work.join("prefix");
    let licence = prefix.join("licence.txt");
    if !licence.is_file() {
        fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
        if archive(&archives, "ffmpeg").is_err() || archive(&archives, "x264").is_err() {
            fetch(&work, &archives)?;
        }
        let log = work.join("log");
        let _ = fs::remove_file(&log);
        eprintln!("xtask: building x264 and FFmpeg, some minutes; what they say is in {}", log.display());
        let x264 = unpack(&archives, "x264", &work)?;
        let ffmpeg = unpack(&archives, "ffmpeg", &work)?;
        build_x264(system, &x264, &prefix, &log)?;
        build_ffmpeg(system, &ffmpeg, &prefix, &log)?;
        // The last step: as long as it is not there, nothing is done.
        fs::copy(ffmpeg.join(if system == For::Windows { "COPYING.GPLv2" } else { "COPYING.GPLv3" }), &licence)
            .context("copying FFmpeg's licence")?;
    }
    let sources = vec![archive(&archives, "ffmpeg")?, archive(&archives, "x264")?];
    Ok(Ffmpeg { licence: Some(licence), prefix, sources })
}

fn there_already() -> Result<Option<PathBuf>> {
    if let Some(given) = env::var_os("FFMPEG_DIR") {
        return Ok(Some(given.into()));
    }
    if !cfg!(windows) {
        return Ok(None);
    }
    let vcpkg = env::var_os("VCPKG_ROOT").context("neither FFMPEG_DIR nor VCPKG_ROOT says where FFmpeg is")?;
    let installed = Path::new(&vcpkg).join("installed/x64-windows-static-md");
    if !installed.join("include/libavcodec").is_dir() {
        bail!("{} has no FFmpeg: see `cargo xtask run`, which installs it", installed.display());
    }
    Ok(Some(installed))
}

fn build_x264(system: For, source: &Path, prefix: &Path, log: &Path) -> Result<()> {
    let mut configure = Command::new("./configure");
    configure.args(["--enable-static", "--enable-pic", "--bit-depth=8", "--disable-cli", "--disable-opencl"]);
    configure.args(["--disable-avs", "--disable-ffms", "--disable-gpac", "--disable-lavf", "--disable-swscale"]);
    configure.arg(format!("--prefix={}", prefix.display()));
    if system == For::Windows {
        configure.args(["--host=x86_64-w64-mingw32", "--cross-prefix=x86_64-w64-mingw32-"]).env("CC", GCC);
    }
    steps(source, configure, log)
}

fn build_ffmpeg(system: For, source: &Path, prefix: &Path, log: &Path) -> Result<()> {
    let mut configure = Command::new("./configure");
    configure.arg(format!("--prefix={}", prefix.display()));
    configure.args(["--enable-shared", "--disable-static", "--disable-programs", "--disable-doc", "--disable-debug"]);
    configure.args([
        "--disable-autodetect",
        "--disable-everything",
        "--disable-avdevice",
        "--disable-avfilter",
        "--disable-postproc",
    ]);
    configure.args(["--enable-gpl", "--enable-libx264", "--pkg-config=pkg-config", "--pkg-config-flags=--static"]);
    configure.args(PARTS.map(|(kind, names)| format!("--enable-{kind}={names}")));
    let own = prefix.join("lib/pkgconfig");
    match system {
        For::Windows => {
            configure.args(["--target-os=mingw32", "--arch=x86_64", "--enable-cross-compile"]).arg(format!("--cc={GCC}"));
            configure.args(["--cross-prefix=x86_64-w64-mingw32-", "--extra-ldflags=-static-libgcc", "--enable-w32threads"]);
            configure.args(["--enable-mediafoundation", "--enable-encoder=h264_mf", "--enable-schannel"]);
            configure.env("PKG_CONFIG_LIBDIR", own);
        }
        // OpenSSL 3 is on every system of the last years; its licence goes with version 3 of the GPL.
        For::Linux => {
            configure.args(["--enable-pthreads", "--enable-version3", "--enable-openssl"]).env("PKG_CONFIG_PATH", own);
        }
    }
    steps(source, configure, log)
}

fn steps(source: &Path, configure: Command, log: &Path) -> Result<()> {
    let mut make = Command::new("make");
    make.arg(format!("-j{}", available_parallelism().map_or(2, usize::from)));
    let mut install = Command::new("make");
    install.arg("install");
    for mut step in [configure, make, install] {
        logged(step.current_dir(source), log)?;
    }
    Ok(())
}

/// Runs something talkative.
fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let out = File::options().create(true).append(true).open(log).with_context(|| format!("opening {}", log.display()))?;
    let status = command.stdout(out.try_clone()?).stderr(out).status();
    let status = status.with_context(|| format!("cannot start `{}`", typed(command)))?;
    if !status.success() {
        let said = fs::read_to_string(log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!("`{}` failed ({status}); the last lines of {}:\n{}", typed(command), log.display(), last.join("\n"));
    }
    Ok(())
}

/// Has apt fetch the sources, with lists of its own that name the machine's archives as archives of sources.
fn fetch(work: &Path, archives: &Path) -> Result<()> {
    let (parts, lists) = (work.join("apt/parts"), work.join("apt/lists"));
    for folder in [&parts, &lists.join("partial"), &archives.to_owned()] {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    for (name, text) in archive_lists()? {
        fs::write(parts.join(name), text)?;
    }
    let with = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.arg("-o").arg("Dir::Etc::sourcelist=/dev/null").arg("-o").arg(format!("Dir::Etc::sourceparts={}", parts.display()));
        apt.arg("-o").arg(format!("Dir::State::lists={}", lists.display())).args(["-o", "APT::Sandbox::User=root", "-q"]);
        apt.args(arguments).current_dir(archives);
        apt
    };
    crate::command::run(&mut with(&["update"]))?;
    crate::command::run(&mut with(&["source", "--download-only", "ffmpeg", "x264"]))
        .context("fetching the sources of FFmpeg and x264")
}

/// The distribution's own lists (those signed with its archive's keyring, or in one line), turned into lists of sources.
fn archive_lists() -> Result<Vec<(String, String)>> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(folder) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(folder.flatten().map(|entry| entry.path()));
    }
    let mut found = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let Ok(text) = fs::read_to_string(file) else { continue };
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let sources = if ending == "sources" { of_stanzas(&text) } else { of_lines(&text) };
        if !sources.trim().is_empty() {
            found.push((format!("{number}.{ending}"), sources));
        }
    }
    if found.is_empty() {
        bail!("this system's apt knows no archive of its distribution");
    }
    Ok(found)
}

fn of_stanzas(text: &str) -> String {
    let own = text.split("\n\n").filter(|stanza| stanza.contains("-archive-keyring"));
    let stanzas: Vec<String> = own
        .map(|stanza| {
            let lines = stanza.lines().map(|line| if line.starts_with("Types:") { "Types: deb-src" } else { line });
            lines.collect::<Vec<_>>().join("\n")
        })
        .collect();
    stanzas.join("\n\n") + "\n"
}

fn of_lines(text: &str) -> String {
    let own = text.lines().filter_map(|line| line.trim().strip_prefix("deb "));
    let own = own.filter(|rest| ["debian", "ubuntu"].iter().any(|name| rest.contains(name)) && !rest.contains("signed-by"));
    own.map(|rest| format!("deb-src {rest}\n")).collect()
}

fn unpack(archives: &Path, name: &str, work: &Path) -> Result<PathBuf> {
    let to = work.join(name);
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(&to)?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(archive(archives, name)?).arg("--strip-components=1").arg("--directory").arg(&to);
    crate::command::run(&mut tar)?;
    Ok(to)
}

/// `NAME_VERSION.orig.tar.*`; of several the newest by name.
fn archive(archives: &Path, name: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(archives).with_context(|| format!("reading {}", archives.display()))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(&format!("{name}_")) && file.contains(".orig.tar.") && !file.ends_with(".asc")
        })
        .collect();
    found.sort();
    found.pop().with_context(|| format!("the source of {name} is not in {}", archives.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_distributions_own_archives_are_asked_for_sources() {
        let text = "Types: deb\nURIs: http://mirror/debian\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
                    Types: deb\nURIs: https://elsewhere/node\nSigned-By: /usr/share/keyrings/node.gpg\n";
        let sources = of_stanzas(text);
        assert!(sources.contains("Types: deb-src\nURIs: http://mirror/debian\n") && !sources.contains("elsewhere"), "{sources}");
        let text = "# comment\ndeb http://mirror/debian bookworm main\ndeb-src http://mirror/debian x\ndeb [signed-by=/k] https://a/debian b c\n";
        assert_eq!(of_lines(text), "deb-src http://mirror/debian bookworm main\n");
    }

    #[test]
    fn the_archive_of_a_source_is_found_among_others() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ffmpeg_5.1.9.orig.tar.xz", "ffmpeg_5.1.9.orig.tar.xz.asc", "ffmpeg_5.1.9-0.dsc", "x264_0.164.orig.tar.gz"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(archive(folder.path(), "ffmpeg").unwrap(), folder.path().join("ffmpeg_5.1.9.orig.tar.xz"));
        assert!(archive(folder.path(), "opus").is_err());
    }
}
