//! The installer: `wix/main.wxs` and a fragment with every file that lies beside the programs, packed by `wixl`, or on Windows by WiX 3.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::layout::{PROGRAMS, slashes};
use crate::command::{find, run};
use crate::dist::stage::{self, Stage};

/// Packs the folder `installed` into the installer `to`. Versions are `1.2.3`, for that is all that Windows Installer compares.
pub fn make(installed: &Path, version: &str, to: &Path) -> Result<()> {
    // wixl takes relative paths only, so what it reads is laid out where it runs.
    let files = stage::files(installed)?;
    // A folder for each: several may be made at once.
    let name = to.file_stem().unwrap_or_default().to_string_lossy();
    let stage = Stage::new(&format!("msi-{name}"))?;
    for file in &files {
        stage.copy(installed.join(file), &format!("bin/{}", slashes(file)), 0o644)?;
    }
    stage.copy("wix/main.wxs", "main.wxs", 0o644)?;
    stage.copy("assets/icon/parlor.ico", "assets/icon/parlor.ico", 0o644)?;
    let others: Vec<String> = files.iter().map(|file| slashes(file)).filter(|file| !PROGRAMS.contains(&file.as_str())).collect();
    stage.write("files.wxs", fragment(&others), 0o644)?;
    if cfg!(windows) {
        wix(&stage, version)?
    } else {
        wixl(&stage, version)?
    }
    fs::copy(stage.path().join("parlor.msi"), to).with_context(|| format!("writing {}", to.display()))?;
    Ok(())
}

fn wixl(stage: &Stage, version: &str) -> Result<()> {
    let mut command = Command::new(find("wixl").context("the program `wixl` is missing (package `wixl` or `msitools`)")?);
    command.args(["-a", "x64", "-D", "CargoTargetBinDir=bin", "-o", "parlor.msi", "main.wxs", "files.wxs"]);
    run(command.arg("-D").arg(format!("Version={version}")).current_dir(stage.path()))
}

/// WiX 3, from the `PATH` or where its own installer puts it.
fn wix(stage: &Stage, version: &str) -> Result<()> {
    let of_installer = std::env::var_os("WIX").map(|folder| PathBuf::from(folder).join("bin"));
    let tool = |name: &str| match &of_installer {
        Some(folder) => Command::new(folder.join(name)),
        None => Command::new(name),
    };
    let mut candle = tool("candle");
    candle.args(["-nologo", "-arch", "x64", "-dCargoTargetBinDir=bin"]).arg(format!("-dVersion={version}"));
    run(candle.args(["main.wxs", "files.wxs"]).current_dir(stage.path()))?;
    let mut light = tool("light");
    light.args(["-nologo", "-spdb", "-out", "parlor.msi", "main.wixobj", "files.wixobj"]);
    run(light.current_dir(stage.path()))
}

/// A component for every file, as the installer's rules want it: its number follows from its name, so that it is the same in each version.
fn fragment(files: &[String]) -> String {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in files {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        folders.entry(folder).or_default().push(name);
    }
    let (mut components, mut group) = (String::new(), String::new());
    for (folder, names) in folders {
        let open =
            if folder.is_empty() { String::new() } else { format!("<Directory Id=\"{}\" Name=\"{folder}\">\n", id("D", folder)) };
        components += &open;
        for name in names {
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let (component, file, guid) = (id("C", &path), id("F", &path), guid(&path));
            components += &format!(
                "<Component Id=\"{component}\" Win64=\"yes\" Guid=\"{guid}\"><File Id=\"{file}\" Name=\"{name}\" Source=\"bin/{path}\" KeyPath=\"yes\"/></Component>\n"
            );
            group += &format!("<ComponentRef Id=\"{component}\"/>\n");
        }
        components += if open.is_empty() { "" } else { "</Directory>\n" };
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Wix xmlns=\"http://schemas.microsoft.com/wix/2006/wi\">\n<Fragment>\n\
         <DirectoryRef Id=\"INSTALLDIR\">\n{components}</DirectoryRef>\n<ComponentGroup Id=\"Files\">\n{group}</ComponentGroup>\n</Fragment>\n</Wix>\n"
    )
}

/// A name that the installer's tables take: letters, digits, `_` and `.`, at most 72.
fn id(kind: &str, path: &str) -> String {
    let clean: String = path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).take(50).collect();
    format!("{kind}_{clean}_{}", &hex(&digest(path))[..8])
}

/// A UUID of version 8 (RFC 9562, section 5.8), made of the path's digest.
fn guid(path: &str) -> String {
    let mut bytes = digest(path);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = hex(&bytes[..16]).to_uppercase();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn digest(path: &str) -> [u8; 32] {
    Sha256::digest(format!("parlor component {path}")).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_component_with_a_number_of_its_own_that_stays() {
        let text = fragment(&["avcodec-59.dll".into(), "licences/A b.txt".into(), "licences/C.txt".into()]);
        assert_eq!(text.matches("<Component ").count(), 3);
        assert_eq!(text.matches("<ComponentRef ").count(), 3);
        assert_eq!(text.matches("<Directory ").count(), 1, "{text}");
        assert!(text.contains("Name=\"A b.txt\" Source=\"bin/licences/A b.txt\""));
        assert_eq!(guid("avcodec-59.dll"), guid("avcodec-59.dll"));
        assert_ne!(guid("avcodec-59.dll"), guid("avcodec-60.dll"));
        let parts: Vec<usize> = guid("x").split('-').map(str::len).collect();
        assert_eq!((parts, &guid("x")[14..15]), (vec![8, 4, 4, 4, 12], "8"));
    }

    /// The installer's own tables, read back.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_installer_has_all_files_and_does_what_it_says_at_the_right_time() {
        use crate::command::output;
        let installed = tempfile::tempdir().unwrap();
        fs::create_dir(installed.path().join("licences")).unwrap();
        for file in PROGRAMS.iter().chain(&["avcodec-59.dll", "licences/FFmpeg.txt"]) {
            fs::write(installed.path().join(file), file).unwrap();
        }
        let msi = installed.path().join("parlor.msi");
        make(installed.path(), "1.2.3", &msi).unwrap();
        let table = |name: &str| output(Command::new("msiinfo").arg("export").arg(&msi).arg(name)).unwrap();
        for file in ["parlor.exe", "parlor-server.exe", "parlor-bot.exe", "avcodec-59.dll", "FFmpeg.txt"] {
            assert!(table("File").contains(file), "{file}");
        }
        assert!(table("Property").contains("ProductVersion\t1.2.3"));
        // Without the mark for 64 bits, the registry's 32-bit half would get what is written.
        let components = table("Component");
        let kinds = components.lines().skip(3).filter_map(|line| line.split('\t').nth(3)?.parse::<u32>().ok());
        assert!(kinds.clone().count() >= 8 && kinds.clone().all(|kind| kind & 0x100 != 0), "{components}");
        let sequence = table("InstallExecuteSequence");
        let at = |action: &str| -> u32 {
            let line =
                sequence.lines().find(|line| line.split('\t').next() == Some(action)).unwrap_or_else(|| panic!("{action}"));
            line.split('\t').next_back().unwrap().trim().parse().unwrap()
        };
        let order =
            ["AppSearch", "KeepServer", "NoDesktopShortcut", "CostInitialize", "CostFinalize", "FindNetsh", "InstallInitialize"];
        let order = order.iter().chain(&[
            "ForgetApp",
            "RemoveFiles",
            "InstallFiles",
            "LetAppIn",
            "WriteRegistryValues",
            "InstallFinalize",
        ]);
        assert!(order.map(|action| at(action)).is_sorted(), "{sequence}");
    }
}
