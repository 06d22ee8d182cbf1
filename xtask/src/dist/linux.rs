//! Linux: the package of the app, that of the server, and an archive of both for systems without dpkg.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::deb::{Deb, Needs};
use super::{Release, Stage, tar};
use crate::command::{built, run};

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
    Ok(vec![app(release, to)?, server(release, to)?, archive(release, to)?])
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

fn archive(release: &Release, to: &Path) -> Result<PathBuf> {
    let stage = Stage::new("archive")?;
    let name = format!("parlor-{}-linux-{}", release.version, std::env::consts::ARCH);
    for program_name in ["parlor", "parlor-server", "parlor-bot"] {
        program(&stage, program_name, &name)?;
    }
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
    let file = to.join(format!("{name}.tar.xz"));
    tar(&stage, release, &name, &file)?;
    Ok(file)
}

/// A program without what only debuggers read.
fn program(stage: &Stage, name: &str, folder: &str) -> Result<()> {
    let to = format!("{folder}/{name}");
    stage.copy(built(name, true), &to, 0o755)?;
    run(Command::new("strip").args(["--strip-unneeded", "--remove-section=.comment"]).arg(stage.path().join(to)))
}
