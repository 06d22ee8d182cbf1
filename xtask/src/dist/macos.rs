//! macOS: an application bundle in a disk image. Made by the release workflow only; nobody has opened it on a Mac.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{LICENCES, Release, Stage};
use crate::command::{built, root, run};
use crate::licences;

/// Sizes of an icon set (`iconutil(1)`).
const ICONS: [(u32, &str); 6] = [
    (16, "icon_16x16"),
    (32, "icon_16x16@2x"),
    (32, "icon_32x32"),
    (128, "icon_128x128"),
    (256, "icon_128x128@2x"),
    (256, "icon_256x256"),
];

/// Makes it in `to`.
pub fn pack(release: &Release, to: &Path) -> Result<Vec<PathBuf>> {
    let stage = Stage::new("macos")?;
    let version = [("VERSION", release.version.as_str())];
    stage.fill("assets/macos/Info.plist", "Parlor.app/Contents/Info.plist", &version)?;
    for name in ["parlor", "parlor-bot", "parlor-server"] {
        stage.copy(built(name, true), &format!("Parlor.app/Contents/MacOS/{name}"), 0o755)?;
    }
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        stage.copy(file, &format!("Parlor.app/Contents/Resources/{file}"), 0o644)?;
    }
    stage.copy(licences::FILE, &format!("Parlor.app/Contents/Resources/{LICENCES}"), 0o644)?;
    let bundle = stage.path().join("Parlor.app");
    icon(&stage, &bundle.join("Contents/Resources/parlor.icns"))?;
    // FFmpeg's libraries come along, and are found beside the program.
    let mut libraries = Command::new("dylibbundler");
    libraries.args(["-od", "-b", "-p", "@executable_path/../Frameworks/", "-d"]).arg(bundle.join("Contents/Frameworks"));
    for name in ["parlor", "parlor-bot"] {
        libraries.arg("-x").arg(bundle.join("Contents/MacOS").join(name));
    }
    run(&mut libraries)?;
    // Ad hoc: a signature that Apple knows needs a membership. Without one, people open it by a right click the first time.
    let entitlements = root().join("assets/macos/entitlements.plist");
    let mut sign = Command::new("codesign");
    sign.args(["--force", "--deep", "--options", "runtime", "--sign", "-", "--entitlements"]).arg(entitlements).arg(&bundle);
    run(&mut sign)?;
    let image = to.join(format!("Parlor-{}-{}.dmg", release.version, std::env::consts::ARCH));
    let mut make = Command::new("hdiutil");
    make.args(["create", "-volname", "Parlor", "-format", "UDZO", "-ov", "-srcfolder"]).arg(&bundle).arg(&image);
    run(&mut make)?;
    Ok(vec![image])
}

fn icon(stage: &Stage, to: &Path) -> Result<()> {
    let set = stage.path().join("parlor.iconset");
    std::fs::create_dir_all(&set)?;
    for (size, name) in ICONS {
        let (size, file) = (size.to_string(), set.join(format!("{name}.png")));
        let mut scale = Command::new("sips");
        run(scale.args(["-z", &size, &size]).arg(root().join("assets/icon/parlor.png")).arg("--out").arg(file))?;
    }
    run(Command::new("iconutil").args(["-c", "icns"]).arg(&set).arg("-o").arg(to))
}
