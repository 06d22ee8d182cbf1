//! Linux: the package of the app, that of the server, and an archive of both for other systems, with an FFmpeg of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::deb::{Deb, Needs};
use super::ffmpeg::{self, Ffmpeg};
use super::{LICENCES, Release, Stage, tar};
use crate::command::{built, output, run};
use crate::licences;

/// Opened at run time, so that no linker asks for them: the window system, a renderer, ALSA's way to sound servers.
const OPENED_LATER: &str = "libxcursor1, libxi6, libxrandr2, libxkbcommon-x11-0, libgl1, libegl1, libasound2-plugins";
/// Nicer with them.
const BETTER_WITH: &str = "libvulkan1, mesa-vulkan-drivers, libgl1-mesa-dri, libwayland-client0, xdg-desktop-portal, xdg-utils";

const SHORT: &str = "video calls and live streams over a server of one's own";
const LONG: &str = "Parlor is for calls of two, small meetings and live streams. Pictures and\n\
    sound travel as RTMP, so that OBS, ffmpeg and other programs can send and\n\
    watch, too; the measured delay of every person can be shown.";

/// Makes all of it in `to`.
pub fn pack(release: &Release, to: &Path) -> Result<Vec<PathBuf>> {
    let mut made = vec![app(release, to)?, server(release, to)?];
    made.extend(archive(release, to)?);
    Ok(made)
}

fn app(release: &Release, to: &Path) -> Result<PathBuf> {
    let stage = Stage::new("deb-app")?;
    program(&stage, "parlor", "usr/bin")?;
    program(&stage, "parlor-bot", "usr/bin")?;
    stage.copy("assets/linux/parlor.desktop", "usr/share/applications/parlor.desktop", 0o644)?;
    stage.copy("assets/icon/parlor.svg", "usr/share/icons/hicolor/scalable/apps/parlor.svg", 0o644)?;
    stage.copy("assets/icon/parlor.png", "usr/share/icons/hicolor/256x256/apps/parlor.png", 0o644)?;
    let (version, date) = (release.version.as_str(), release.date()?);
    let metainfo = "usr/share/metainfo/org.parlor.Parlor.metainfo.xml";
    stage.fill("assets/linux/parlor.metainfo.xml", metainfo, &[("VERSION", version), ("DATE", &date)])?;
    let deb = Deb {
        name: "parlor",
        section: "net",
        summary: SHORT,
        description: &format!("{LONG}\nThis is the app, which can be the server as well, and parlor-bot."),
        needs: Needs { more: OPENED_LATER, recommends: BETTER_WITH, suggests: "parlor-server" },
        licence: "assets/linux/copyright",
        scripts: &[],
        settings: &[],
    };
    deb.build(&stage, release, to)
}

fn server(release: &Release, to: &Path) -> Result<PathBuf> {
    let stage = Stage::new("deb-server")?;
    program(&stage, "parlor-server", "usr/bin")?;
    stage.copy("assets/linux/parlor-server.service", "lib/systemd/system/parlor-server.service", 0o644)?;
    stage.copy("assets/linux/server.toml", "etc/parlor/server.toml", 0o644)?;
    stage.copy("docs/operators.md", "usr/share/doc/parlor-server/operators.md", 0o644)?;
    let deb = Deb {
        name: "parlor-server",
        section: "net",
        summary: "server for video calls and live streams",
        description: &format!("{LONG}\nThis is the server: one program, one port, no database."),
        needs: Needs { more: "", recommends: "ca-certificates", suggests: "redis-server" },
        licence: "assets/linux/copyright-server",
        scripts: &["postinst", "prerm", "postrm"],
        settings: &["/etc/parlor/server.toml"],
    };
    deb.build(&stage, release, to)
}

fn archive(release: &Release, to: &Path) -> Result<Vec<PathBuf>> {
    let stage = Stage::new("archive")?;
    let name = format!("parlor-{}-linux-{}", release.version, std::env::consts::ARCH);
    for program_name in ["parlor", "parlor-server", "parlor-bot"] {
        program(&stage, program_name, &name)?;
    }
    let ffmpeg = ffmpeg::for_linux()?;
    libraries(&stage, &name, &ffmpeg)?;
    for file in [
        "assets/linux/parlor.desktop",
        "assets/linux/parlor-server.service",
        "assets/linux/server.toml",
        "assets/icon/parlor.svg",
    ] {
        let short = file.rsplit('/').next().unwrap_or(file);
        stage.copy(file, &format!("{name}/share/{short}"), 0o644)?;
    }
    for file in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "assets/linux/PORTABLE.txt"] {
        let short = file.rsplit('/').next().unwrap_or(file);
        stage.copy(file, &format!("{name}/{short}"), 0o644)?;
    }
    stage.copy(licences::FILE, &format!("{name}/{LICENCES}"), 0o644)?;
    let file = to.join(format!("{name}.tar.xz"));
    tar(&stage, release, &name, &file)?;
    let mut made = vec![file];
    made.extend(ffmpeg.publish_sources(to)?);
    Ok(made)
}

/// FFmpeg comes along in `lib`, for every distribution has another version of it; the programs look there first.
fn libraries(stage: &Stage, folder: &str, ffmpeg: &Ffmpeg) -> Result<()> {
    let licence = ffmpeg.licence.as_deref().context("FFmpeg without its licence")?;
    stage.copy(licence, &format!("{folder}/lib/FFmpeg-licence.txt"), 0o644)?;
    let at = |path: &str| stage.path().join(folder).join(path);
    let mut waiting = vec![at("parlor"), at("parlor-bot")];
    while let Some(file) = waiting.pop() {
        let needed = output(Command::new("patchelf").arg("--print-needed").arg(&file)).context("`patchelf` failed")?;
        for library in needed.lines().filter(|name| name.starts_with("libav") || name.starts_with("libsw")) {
            let own = ffmpeg.prefix.join("lib").join(library);
            ensure!(own.is_file(), "{} asks for {library}, which this FFmpeg is too old or too new for", file.display());
            let to = format!("lib/{library}");
            if !at(&to).exists() {
                stage.copy(own, &format!("{folder}/{to}"), 0o644)?;
                strip(&at(&to))?;
                waiting.push(at(&to));
            }
        }
        let place = if file.parent().is_some_and(|folder| folder.ends_with("lib")) { "$ORIGIN" } else { "$ORIGIN/lib" };
        run(Command::new("patchelf").args(["--set-rpath", place]).arg(&file))?;
    }
    Ok(())
}

/// A program without what only debuggers read.
fn program(stage: &Stage, name: &str, folder: &str) -> Result<()> {
    let to = format!("{folder}/{name}");
    stage.copy(built(name, true), &to, 0o755)?;
    strip_program(&stage.path().join(to))
}

/// The names of functions stay, for a tenth of the size: without them a crash report says nothing but `<unknown>`.
fn strip_program(file: &Path) -> Result<()> {
    run(Command::new("strip").args(["--strip-debug", "--remove-section=.comment"]).arg(file))
}

fn strip(file: &Path) -> Result<()> {
    run(Command::new("strip").args(["--strip-unneeded", "--remove-section=.comment"]).arg(file))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_packed_program_can_still_name_its_functions() {
        let stage = Stage::new("strip-test").unwrap();
        stage.copy(std::env::current_exe().unwrap(), "program", 0o755).unwrap();
        let file = stage.path().join("program");
        let sections = || output(Command::new("readelf").args(["--sections", "--wide"]).arg(&file)).unwrap();
        assert!(sections().contains(".debug_line"), "there is something to take away");
        strip_program(&file).unwrap();
        assert!(!sections().contains(".debug_line"), "{}", sections());
        let names = output(Command::new("nm").arg("--demangle").arg(&file)).unwrap();
        assert!(names.contains("a_packed_program_can_still_name_its_functions"), "functions have no names");
    }
}
