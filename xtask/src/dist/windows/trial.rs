//! What was made for Windows, used as people would use it, with wine: installed, a call of two, the app in a window and in a call, an upgrade, a
//! refused downgrade, removal; and the archive.
//!
//! wine is not Windows: cameras (Media Foundation), sound cards (WASAPI) and Direct3D are not shown by this.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{io::BufRead, io::BufReader, thread};

use anyhow::{Context, Result, bail, ensure};
use parlor_lab::Running;
use parlor_lab::screen::Screen;

use super::toolchain::GCC;
use super::{layout::PROGRAMS, msi};
use crate::command::{find, root, run as start};
use crate::dist::Release;
use crate::temporary::Folder;

/// Longest time for one program; wine's first start alone takes half a minute here.
const PATIENCE: Duration = Duration::from_secs(180);
/// What `msiexec` ends with when a newer version is there (1603, of which a Unix program sees the lowest byte).
const REFUSED: i32 = 1603 & 0xFF;
const SERVER: &str = "calls.example:1935";

/// What wine 8 lacks and Windows has, for this trial only: the source of random numbers that every Rust program asks, and the figures of how busy
/// the computer is, which here have nothing to tell.
const STAND_INS: [(&str, &str); 2] = [
    (
        "bcryptprimitives",
        "BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);\n\
         __declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }\n",
    ),
    (
        "pdh",
        "#define NONE(name) __declspec(dllexport) LONG WINAPI name(void) { return 0xC0000BB8; }\n\
         NONE(PdhAddEnglishCounterW) NONE(PdhCloseQuery) NONE(PdhCollectQueryData) NONE(PdhEnumObjectsW)\n\
         NONE(PdhGetFormattedCounterValue) NONE(PdhOpenQueryW) NONE(PdhRemoveCounter)\n",
    ),
];

/// Installs `installer`, uses it, upgrades, removes; then unpacks and uses `archive`.
pub fn run(release: &Release, installed: &Path, installer: &Path, archive: &Path) -> Result<()> {
    let folder = Folder::new("wine")?;
    let wine = Wine::start(folder.path())?;
    let programs = wine.drive().join("Program Files/Parlor");

    wine.installer(&["/i", &wine.path(installer), "/qn", &format!("SERVER_URL={SERVER}"), "DESKTOP_SHORTCUT=0"], 0)?;
    for program in PROGRAMS {
        ensure!(programs.join(program).is_file(), "{program} was not installed");
    }
    ensure!(wine.shortcuts("Desktop")?.is_empty(), "a desktop shortcut, though none was wanted");
    ensure!(wine.shortcuts("Start Menu")?.len() == 1, "one entry in the start menu, not {:?}", wine.shortcuts("Start Menu")?);
    let scheme = wine.registry(r"HKLM\Software\Classes\parlor\shell\open\command")?;
    ensure!(scheme.contains("parlor.exe\" \"%1\""), "parlor:// links open {scheme}");
    ensure!(wine.registry(r"HKLM\Software\Parlor")?.contains(SERVER), "the server that was given is not kept");
    println!("installed {}", release.version);

    wine.call(&programs)?;
    wine.window(&programs, &folder.path().join("window.png"))?;

    // The same files as a later version.
    let later = folder.path().join("later.msi");
    msi::make(installed, &after(&release.version)?, &later)?;
    wine.installer(&["/i", &wine.path(&later), "/qn"], 0)?;
    ensure!(wine.products()? == 1, "after an upgrade there is one Parlor, not {}", wine.products()?);
    ensure!(wine.registry(r"HKLM\Software\Parlor")?.contains(SERVER), "the upgrade forgot the server that was given");
    ensure!(wine.shortcuts("Desktop")?.is_empty(), "the upgrade made a desktop shortcut");
    wine.installer(&["/i", &wine.path(installer), "/qn"], REFUSED)?;
    ensure!(programs.join("parlor.exe").is_file(), "a refused downgrade removed the program");
    println!("upgraded, and a downgrade was refused");

    wine.installer(&["/x", &wine.path(&later), "/qn"], 0)?;
    ensure!(
        !programs.exists(),
        "left behind: {:?}",
        fs::read_dir(&programs)?.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>()
    );
    ensure!(wine.registry(r"HKLM\Software\Parlor").is_err(), "left behind in the registry");
    ensure!(wine.registry(r"HKLM\Software\Classes\parlor").is_err(), "links would still open it");
    ensure!(wine.shortcuts("Start Menu")?.is_empty() && wine.products()? == 0, "left behind in the menu or the list of programs");
    println!("removed");

    let portable = wine.drive().join("portable");
    let mut zip = zip::ZipArchive::new(fs::File::open(archive)?)?;
    zip.extract(&portable).with_context(|| format!("unpacking {}", archive.display()))?;
    let portable = portable.join(archive.file_stem().context("an archive without a name")?);
    wine.call(&portable)?;
    ensure!(portable.join("data/server/tls.key").is_file(), "the portable server keeps its key elsewhere");
    wine.window(&portable, &folder.path().join("portable.png"))?;
    ensure!(portable.join("data/parlor.json").is_file(), "the portable app keeps its settings elsewhere");
    println!("the archive works, and keeps its data beside it");
    if let Some(keep) = std::env::var_os("PARLOR_TEST_PICTURES") {
        for picture in ["window.png", "portable.png"] {
            fs::copy(folder.path().join(picture), Path::new(&keep).join(format!("windows-{picture}")))?;
        }
    }
    Ok(())
}

/// The next version.
fn after(version: &str) -> Result<String> {
    let (front, last) = version.rsplit_once('.').context("a version without dots")?;
    Ok(format!("{front}.{}", last.parse::<u32>().context("the version's last number")? + 1))
}

/// A Windows of our own.
struct Wine {
    prefix: PathBuf,
    screen: Screen,
}

impl Wine {
    fn start(folder: &Path) -> Result<Self> {
        find("wine").context("the program `wine` is missing (packages wine and wine64)")?;
        let wine = Self { prefix: folder.join("prefix"), screen: Screen::start()? };
        wine.run(&mut wine.command("wineboot", &["--init"]), 0)?;
        wine.run(&mut wine.command("winecfg", &["-v", "win10"]), 0)?;
        for (library, functions) in STAND_INS {
            let shim = folder.join(format!("{library}.c"));
            fs::write(&shim, format!("#include <windows.h>\n{functions}"))?;
            let to = wine.drive().join("windows/system32").join(format!("{library}.dll"));
            start(Command::new(GCC).args(["-shared", "-o"]).arg(to).arg(&shim).arg("-ladvapi32"))?;
        }
        Ok(wine)
    }

    fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// What Windows programs call a file of this computer.
    fn path(&self, file: &Path) -> String {
        let file = std::path::absolute(root().join(file)).unwrap_or_else(|_| file.to_owned());
        format!("Z:{}", file.display()).replace('/', "\\")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("wine");
        command.arg(program).args(arguments).env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all");
        command.env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=d;pdh=n").stdin(Stdio::null());
        self.screen.take(&mut command);
        command
    }

    /// Runs something to its end, which must be `code`, and says what it wrote.
    fn run(&self, command: &mut Command, code: i32) -> Result<String> {
        let mut child = Running(command.stdout(Stdio::piped()).spawn().context("starting wine")?);
        let out = child.0.stdout.take().context("no output")?;
        let reader = thread::spawn(move || std::io::read_to_string(out));
        let end = wait(&mut child.0, &crate::command::typed(command))?;
        let said = reader.join().ok().context("the reader broke off")?.unwrap_or_default();
        ensure!(end == code, "`{}` ended with {end}, not {code}:\n{said}", crate::command::typed(command));
        Ok(said)
    }

    fn installer(&self, arguments: &[&str], code: i32) -> Result<()> {
        self.run(&mut self.command("msiexec", arguments), code).map(drop)
    }

    /// What the registry has under a key.
    fn registry(&self, key: &str) -> Result<String> {
        self.run(&mut self.command("reg", &["query", key, "/s"]), 0)
    }

    /// Entries called Parlor in the list of installed programs.
    fn products(&self) -> Result<usize> {
        let list = self.registry(r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall")?;
        Ok(list.lines().filter(|line| line.contains("DisplayName") && line.trim_end().ends_with("Parlor")).count())
    }

    /// Links to Parlor in folders called so.
    fn shortcuts(&self, place: &str) -> Result<Vec<PathBuf>> {
        let (mut found, mut folders) = (Vec::new(), vec![self.drive().join("users"), self.drive().join("ProgramData")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?.flatten() {
                let (path, kind) = (entry.path(), entry.file_type()?);
                // wine links a person's folders to those of this computer.
                if kind.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_some_and(|name| name == "Parlor.lnk")
                    && path.components().any(|part| part.as_os_str() == place)
                {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }

    /// Server and two bots.
    fn call(&self, programs: &Path) -> Result<()> {
        let (server, address) = self.server(programs)?;
        let bot = self.path(&programs.join("parlor-bot.exe"));
        let common = ["--server", &address, "--mode", "duo", "--expect", "1", "--json"];
        let member = |words: &[&str]| self.command(&bot, &[&common[..], words].concat());
        let mut first = member(&["--create", "Trial", "--name", "Ada", "--seconds", "25"]);
        let mut second = member(&["--enter", "Trial", "--name", "Ben", "--seconds", "12"]);
        let (first, second) = thread::scope(|scope| {
            let first = scope.spawn(|| self.run(&mut first, 0));
            thread::sleep(Duration::from_secs(4));
            let second = self.run(&mut second, 0);
            (first.join(), second)
        });
        let said = second.context("the second member")?;
        first.ok().context("the first member broke off")?.context("the first member")?;
        println!("a call of two: {}", said.lines().last().unwrap_or_default());
        drop(server);
        Ok(())
    }

    fn server(&self, programs: &Path) -> Result<(Running, String)> {
        let mut command = self.command(&self.path(&programs.join("parlor-server.exe")), &["--listen", "127.0.0.1:0"]);
        let mut server = Running(command.stdout(Stdio::piped()).spawn().context("starting the server")?);
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().context("no output")?).read_line(&mut line)?;
        let ready: serde_json::Value =
            serde_json::from_str(&line).with_context(|| format!("the server's first line: {line:?}"))?;
        let address =
            ready["listen"].as_str().or_else(|| ready["listen"][0].as_str()).context("it does not say where it listens")?;
        Ok((server, address.to_owned()))
    }

    /// The app hosts a call with a test partner; its picture must have something on it.
    fn window(&self, programs: &Path, picture: &Path) -> Result<()> {
        let shot = format!("{}@20", self.path(picture));
        let arguments =
            ["--server", "here", "--create", "Trial", "--name", "Ada", "--source", "pattern", "--mic", "tone", "--test-partner"];
        let mut app = self.command(&self.path(&programs.join("parlor.exe")), &arguments);
        self.run(app.args(["--renderer", "glow", "--lang", "en", "--screenshot", &shot, "--exit-after", "24"]), 0)?;
        let image = image::open(picture).context("the app saved no picture of its window")?.to_rgb8();
        let colours: std::collections::HashSet<_> = image.pixels().map(|pixel| pixel.0.map(|value| value / 16)).collect();
        ensure!(colours.len() > 40, "the window shows {} colours: there is no call on it", colours.len());
        println!("the app's window: {}x{}, {} colours", image.width(), image.height(), colours.len());
        Ok(())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        let _ = Command::new("wineserver").arg("-k").env("WINEPREFIX", &self.prefix).status();
    }
}

fn wait(child: &mut Child, what: &str) -> Result<i32> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return status.code().with_context(|| format!("`{what}` was killed"));
        }
        if Instant::now() > until {
            bail!("`{what}` does not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_version_is_higher() {
        assert_eq!(after("0.1.9").unwrap(), "0.1.10");
        assert!(after("nine").is_err());
    }
}
