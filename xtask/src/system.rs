//! What the system must have, and how to get it from the system's own package manager.
//!
//! Names for apt were tried on Debian 12. Those for dnf, pacman, brew and vcpkg follow those systems' indexes and are
//! untried: the command is printed before it runs, so that a wrong name is seen and easily mended.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{find, output, run, typed};

/// Why something is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To compile and link.
    Build,
    /// To open a window and use the sound card.
    Window,
    /// To run the tests: other programs to talk to, a screen and a sound card of their own.
    Tests,
    /// To make packages.
    Packages,
    /// To make those for Windows.
    WindowsPackages,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Brew,
    Vcpkg,
}

/// Installs what is missing for `needs`, after saying what; does nothing when all is there.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let Some(manager) = Manager::of_this_system() else {
        eprintln!(
            "xtask: no package manager known to this command (apt, dnf, pacman, brew, vcpkg): assuming that all is installed"
        );
        return Ok(());
    };
    let wanted: Vec<&str> = needs.iter().flat_map(|need| manager.packages(*need)).copied().collect();
    let missing = manager.missing(&wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let commands = manager.commands(&missing)?;
    eprintln!("xtask: this system lacks {}", missing.join(" "));
    eprintln!("xtask: so these commands run now:");
    commands.iter().for_each(|(command, _)| eprintln!("    {}", typed(command)));
    for (mut command, must_succeed) in commands {
        match run(&mut command) {
            Err(error) if must_succeed => return Err(error).context("installing what is missing"),
            Err(error) => eprintln!("xtask: {error:#}; going on with what is there"),
            Ok(()) => {}
        }
    }
    let still = manager.missing(&missing);
    if !still.is_empty() {
        bail!("still missing after the installation: {}", still.join(" "));
    }
    Ok(())
}

impl Manager {
    fn of_this_system() -> Option<Self> {
        let known: &[(Self, &str)] = match std::env::consts::OS {
            "linux" => &[(Self::Apt, "apt-get"), (Self::Dnf, "dnf"), (Self::Pacman, "pacman")],
            "macos" => &[(Self::Brew, "brew")],
            "windows" => &[(Self::Vcpkg, "vcpkg")],
            _ => &[],
        };
        known.iter().find(|(_, program)| find(program).is_some()).map(|(manager, _)| *manager)
    }

    fn packages(self, need: Need) -> &'static [&'static str] {
        match (self, need) {
            (Self::Apt, Need::Build) => &[
                "build-essential",
                "cmake",
                "pkg-config",
                "libclang-dev",
                "nasm",
                "libasound2-dev",
                "libpipewire-0.3-dev",
                "libavcodec-dev",
                "libavformat-dev",
                "libavutil-dev",
                "libswscale-dev",
                "libswresample-dev",
            ],
            // Opened at run time, so no linker asks for them.
            (Self::Apt, Need::Window) => &[
                "libxcursor1",
                "libxi6",
                "libxrandr2",
                "libxkbcommon-x11-0",
                "libwayland-client0",
                "libgl1",
                "libgl1-mesa-dri",
                "libegl1",
                "libvulkan1",
                "mesa-vulkan-drivers",
                "libasound2-plugins",
                "fonts-droid-fallback",
            ],
            (Self::Apt, Need::Tests) => &[
                "ffmpeg",
                "curl",
                "nginx",
                "openssl",
                "libnginx-mod-rtmp",
                "redis-server",
                "pulseaudio",
                "pulseaudio-utils",
                "xvfb",
                "openbox",
                "xdotool",
                "imagemagick",
                "at-spi2-core",
                "dbus-daemon",
                "wixl",
                "msitools",
                "procps",
                "iproute2",
                "espeak-ng",
            ],
            (Self::Apt, Need::Packages) => &["dpkg-dev", "binutils", "libssl-dev", "patchelf", "xz-utils"],
            (Self::Apt, Need::WindowsPackages) => {
                &["gcc-mingw-w64-x86-64-posix", "g++-mingw-w64-x86-64-posix", "mingw-w64-tools", "pkg-config", "wixl", "xz-utils"]
            }
            (Self::Dnf, Need::Build) => &[
                "gcc",
                "gcc-c++",
                "cmake",
                "pkgconf-pkg-config",
                "clang-devel",
                "nasm",
                "alsa-lib-devel",
                "pipewire-devel",
                "ffmpeg-free-devel",
            ],
            (Self::Dnf, Need::Window) => &[
                "libXcursor",
                "libXi",
                "libXrandr",
                "libxkbcommon-x11",
                "mesa-dri-drivers",
                "mesa-vulkan-drivers",
                "google-droid-sans-fonts",
            ],
            (Self::Dnf, Need::Tests) => &[
                "ffmpeg-free",
                "curl",
                "nginx",
                "openssl",
                "valkey-compat-redis",
                "pulseaudio",
                "pulseaudio-utils",
                "alsa-plugins-pulseaudio",
                "xorg-x11-server-Xvfb",
                "openbox",
                "xdotool",
                "ImageMagick",
                "at-spi2-core",
                "dbus-daemon",
                "msitools",
                "procps-ng",
                "iproute",
                "espeak-ng",
            ],
            (Self::Pacman, Need::Build) => &["base-devel", "cmake", "clang", "nasm", "alsa-lib", "libpipewire", "ffmpeg"],
            (Self::Pacman, Need::Window) => &[
                "libxcursor",
                "libxi",
                "libxrandr",
                "libxkbcommon-x11",
                "mesa",
                "vulkan-icd-loader",
                "alsa-plugins",
                "ttf-droid",
            ],
            (Self::Pacman, Need::Tests) => &[
                "curl",
                "nginx",
                "openssl",
                "redis",
                "pulseaudio",
                "xorg-server-xvfb",
                "openbox",
                "xdotool",
                "imagemagick",
                "at-spi2-core",
                "dbus",
                "msitools",
                "procps-ng",
                "iproute2",
                "espeak-ng",
            ],
            (Self::Brew, Need::Build) => &["pkgconf", "cmake", "llvm", "nasm", "ffmpeg"],
            (Self::Vcpkg, Need::Build) => &["ffmpeg[avcodec,avformat,swscale,swresample,gpl,x264,opus]:x64-windows-static-md"],
            (Self::Brew, Need::Packages) => &["dylibbundler"],
            (Self::Brew | Self::Vcpkg, Need::Window | Need::Tests)
            | (Self::Dnf | Self::Pacman | Self::Vcpkg, Need::Packages)
            | (Self::Dnf | Self::Pacman | Self::Brew | Self::Vcpkg, Need::WindowsPackages) => &[],
        }
    }

    /// Which of these packages are not installed.
    fn missing<'a>(self, packages: &[&'a str]) -> Vec<&'a str> {
        let installed: Vec<String> = match self {
            // One process for all: this runs before every build.
            Self::Apt => lines(Command::new("dpkg-query").args(["-W", "-f", "${binary:Package} ${db:Status-Status}\n"]))
                .iter()
                .filter_map(|line| line.strip_suffix(" installed"))
                .map(|name| name.split(':').next().unwrap_or(name).to_owned())
                .collect(),
            Self::Dnf => lines(Command::new("rpm").args(["-qa", "--queryformat", "%{NAME}\n"])),
            Self::Pacman => {
                // `-T` prints what is lacking (and fails if anything is), and knows groups and providers.
                let lacking =
                    Command::new("pacman").arg("-T").args(packages).output().map(|output| output.stdout).unwrap_or_default();
                let lacking = String::from_utf8_lossy(&lacking).into_owned();
                return packages.iter().copied().filter(|package| lacking.lines().any(|line| line == *package)).collect();
            }
            Self::Brew => lines(Command::new("brew").args(["list", "--formula", "-1"])),
            Self::Vcpkg => {
                let installed = lines(Command::new("vcpkg").arg("list"));
                let name = |package: &str| package.split(['[', ':']).next().unwrap_or_default().to_owned();
                let has = |package: &str| {
                    installed.iter().any(|line| line.starts_with(&format!("{}:x64-windows-static-md", name(package))))
                };
                return packages.iter().copied().filter(|package| !has(package)).collect();
            }
        };
        packages.iter().copied().filter(|package| !installed.iter().any(|name| name == package)).collect()
    }

    /// What to run to install `packages`, and whether each command must succeed.
    fn commands(self, packages: &[&str]) -> Result<Vec<(Command, bool)>> {
        let command = |words: &[&str]| -> Result<Command> {
            let mut command = administrator(self)?;
            command.args(words).args(packages);
            Ok(command)
        };
        Ok(match self {
            Self::Apt => {
                let mut update = administrator(self)?;
                update.args(["apt-get", "update", "-q"]);
                let mut install = administrator(self)?;
                if packages.iter().any(|package| ["nginx", "redis-server"].contains(package)) {
                    // Installed, they would start at once and at every boot. The tests start their own: neither is wanted.
                    install.args(["sh", "-ec", APT_WITHOUT_SERVICES, "install"]).args(packages);
                } else {
                    install
                        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qy", "--no-install-recommends"])
                        .args(packages);
                }
                vec![(update, false), (install, true)]
            }
            Self::Dnf => vec![(command(&["dnf", "install", "-y"])?, true)],
            Self::Pacman => vec![(command(&["pacman", "-S", "--needed", "--noconfirm"])?, true)],
            Self::Brew => vec![(command(&["brew", "install"])?, true)],
            Self::Vcpkg => vec![(command(&["vcpkg", "install"])?, true)],
        })
    }
}

/// Installs packages while Debian's `policy-rc.d` forbids packages to start services; then takes those of ours out of the boot.
const APT_WITHOUT_SERVICES: &str = r#"policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then trap "rm -f $policy" EXIT; printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; fi
DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
if [ -d /run/systemd/system ]; then systemctl disable $(systemctl list-unit-files --no-legend nginx.service redis-server.service | cut -d' ' -f1); fi"#;

/// Starts a command line that changes the system: through `sudo` unless we are root or the manager wants none.
fn administrator(manager: Manager) -> Result<Command> {
    let own = matches!(manager, Manager::Brew | Manager::Vcpkg);
    let root = output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut command = Command::new(if own || root { "env" } else { "sudo" });
    if !own && !root {
        if find("sudo").is_none() {
            bail!(
                "installing needs root, and there is no sudo: run this command as root, or install the packages named above yourself"
            );
        }
        command.arg("env");
    }
    if cfg!(windows) {
        // There is neither `env` nor `sudo`: the interpreter takes the words that follow.
        command = Command::new("cmd");
        command.arg("/c");
    }
    Ok(command)
}

fn lines(command: &mut Command) -> Vec<String> {
    output(command).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Whether a window could open here.
pub fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The system in words, for reports: `Debian GNU/Linux 12 (bookworm)`.
pub fn name() -> String {
    let release = std::fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    pretty.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_package_is_named_twice() {
        for manager in [Manager::Apt, Manager::Dnf, Manager::Pacman, Manager::Brew, Manager::Vcpkg] {
            let mut all: Vec<_> =
                [Need::Build, Need::Window, Need::Tests].iter().flat_map(|need| manager.packages(*need)).collect();
            let named = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), named, "{manager:?}");
        }
    }
}
