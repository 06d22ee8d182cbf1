//! A Debian package (deb(5), Debian Policy chapters 5 to 7): a staged tree, and what dpkg has to know.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{LICENCES, Release, Stage};
use crate::command::{output, root, run};
use crate::licences;

/// What is said about it.
pub struct Deb<'a> {
    pub name: &'a str,
    pub section: &'a str,
    /// One line.
    pub summary: &'a str,
    /// Several.
    pub description: &'a str,
    pub needs: Needs<'a>,
    /// Its copyright file.
    pub licence: &'a str,
    /// Which of `assets/linux/NAME.SCRIPT` it brings.
    pub scripts: &'a [&'a str],
    /// Files that people change.
    pub settings: &'a [&'a str],
}

/// Packages beside those whose libraries the programs link, which are found by looking.
pub struct Needs<'a> {
    pub more: &'a str,
    pub recommends: &'a str,
    pub suggests: &'a str,
}

impl Deb<'_> {
    /// Makes `NAME_VERSION_ARCH.deb` of what is staged.
    pub fn build(&self, stage: &Stage, release: &Release, to: &Path) -> Result<PathBuf> {
        let documents = format!("usr/share/doc/{}", self.name);
        stage.copy(self.licence, &format!("{documents}/copyright"), 0o644)?;
        stage.copy("CHANGELOG.md", &format!("{documents}/CHANGELOG.md"), 0o644)?;
        stage.copy(licences::FILE, &format!("{documents}/{LICENCES}"), 0o644)?;
        let files: Vec<_> = stage.files()?.into_iter().filter(|file| !file.starts_with("DEBIAN")).collect();
        let depends = depends(stage, &files, self.needs.more)?;
        let size: u64 = files.iter().filter_map(|file| fs::metadata(stage.path().join(file)).ok()).map(|file| file.len()).sum();
        let architecture = architecture()?;
        stage.write("DEBIAN/control", self.control(release, &architecture, &depends, size.div_ceil(1024)), 0o644)?;
        for script in self.scripts {
            stage.copy(format!("assets/linux/{}.{script}", self.name), &format!("DEBIAN/{script}"), 0o755)?;
        }
        if !self.settings.is_empty() {
            stage.write("DEBIAN/conffiles", self.settings.join("\n") + "\n", 0o644)?;
        }
        let file = to.join(format!("{}_{}_{architecture}.deb", self.name, release.version));
        let mut build = Command::new("dpkg-deb");
        build.args(["--root-owner-group", "-Zxz", "--build"]).arg(stage.path()).arg(&file);
        run(build.env("SOURCE_DATE_EPOCH", release.epoch.to_string()))?;
        Ok(file)
    }

    fn control(&self, release: &Release, architecture: &str, depends: &str, kilobytes: u64) -> String {
        let Self { name, section, summary, .. } = self;
        let mut text = format!("Package: {name}\nVersion: {}\nArchitecture: {architecture}\n", release.version);
        text += "Maintainer: The Parlor authors <parlor@localhost>\n";
        text += &format!("Section: {section}\nPriority: optional\nInstalled-Size: {kilobytes}\nDepends: {depends}\n");
        for (field, value) in [("Recommends", self.needs.recommends), ("Suggests", self.needs.suggests)] {
            if !value.is_empty() {
                text += &format!("{field}: {value}\n");
            }
        }
        text += &format!("Description: {summary}\n");
        for line in self.description.lines() {
            text += &format!(" {}\n", line.trim());
        }
        text
    }
}

fn architecture() -> Result<String> {
    let said = output(Command::new("dpkg").arg("--print-architecture")).context("`dpkg --print-architecture` failed")?;
    Ok(said.trim().to_owned())
}

/// The packages of the libraries that the staged programs link (`dpkg-shlibdeps`), and `more`.
fn depends(stage: &Stage, files: &[PathBuf], more: &str) -> Result<String> {
    // It asks for a source package around it; this is as much of one as it reads.
    let source = Stage::new("shlibdeps")?;
    source.write("debian/control", "Source: parlor\n\nPackage: parlor\nArchitecture: any\n", 0o644)?;
    let mut ask = Command::new("dpkg-shlibdeps");
    ask.args(["-O", "--ignore-missing-info"]).current_dir(source.path());
    for program in files.iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with("bin"))) {
        ask.arg(format!("-e{}", root().join(stage.path()).join(program).display()));
    }
    let said = output(&mut ask).context("`dpkg-shlibdeps` failed (package dpkg-dev)")?;
    let linked = said.lines().find_map(|line| line.strip_prefix("shlibs:Depends=")).context("dpkg-shlibdeps says nothing")?;
    Ok([linked, more].iter().filter(|list| !list.is_empty()).copied().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_is_told_what_it_has_to_know() {
        let deb = Deb {
            name: "parlor",
            section: "net",
            summary: "calls",
            description: "One.\n   Two.",
            needs: Needs { more: "", recommends: "b", suggests: "" },
            licence: "LICENSE-MIT",
            scripts: &[],
            settings: &[],
        };
        let release = Release { version: "0.1.0".into(), epoch: 0 };
        let text = deb.control(&release, "amd64", "libc6", 7);
        assert!(text.starts_with("Package: parlor\nVersion: 0.1.0\nArchitecture: amd64\n"));
        assert!(text.ends_with("Installed-Size: 7\nDepends: libc6\nRecommends: b\nDescription: calls\n One.\n Two.\n"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_package_is_what_dpkg_reads() {
        let stage = Stage::new("deb-test").unwrap();
        stage.copy("/bin/true", "usr/bin/parlor-server", 0o755).unwrap();
        stage.copy("assets/linux/server.toml", "etc/parlor/server.toml", 0o644).unwrap();
        let deb = Deb {
            name: "parlor-server",
            section: "net",
            summary: "calls",
            description: "All of it.",
            needs: Needs { more: "ca-certificates", recommends: "", suggests: "" },
            licence: "assets/linux/copyright-server",
            scripts: &["postinst", "prerm", "postrm"],
            settings: &["/etc/parlor/server.toml"],
        };
        let folder = Stage::new("deb-test-out").unwrap();
        let release = Release { version: "1.2.3".into(), epoch: 1_700_000_000 };
        let ask = |file: &Path, what: &[&str]| output(Command::new("dpkg-deb").args(what).arg(file)).unwrap();
        let file = deb.build(&stage, &release, folder.path()).unwrap();
        let first = fs::read(&file).unwrap();
        assert!(ask(&file, &["--field"]).contains("Version: 1.2.3\n"));
        let depends = ask(&file, &["--show", "--showformat=${Depends}"]);
        assert!(depends.starts_with("libc6 ") && depends.ends_with(", ca-certificates"), "{depends}");
        assert_eq!(ask(&file, &["--info"]).matches("#!/bin/sh").count(), 3, "its scripts");
        let listed = ask(&file, &["--contents"]);
        for part in
            ["-rwxr-xr-x root/root", "./usr/share/doc/parlor-server/copyright", "./usr/share/doc/parlor-server/THIRD-PARTY"]
        {
            assert!(listed.contains(part), "{part}: {listed}");
        }
        deb.build(&stage, &release, folder.path()).unwrap();
        assert!(first == fs::read(&file).unwrap(), "the same again gives the same package");
    }
}
