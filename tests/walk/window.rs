//! A window of the program, found and used as a person does: by what stands on it.

use super::Stage;
use parlor::app::i18n::{Lang, Texts};
use parlor_lab::Running;
use parlor_lab::access::Node;
use parlor_lab::{PATIENCE, poll};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Pixels of it.
pub const SIZE: (u32, u32) = (636, 600);

pub struct Window<'a> {
    stage: &'a Stage,
    process: Running,
    folder: PathBuf,
    id: String,
    /// The language that it speaks.
    pub texts: Texts,
}

impl<'a> Window<'a> {
    /// Opens one at `left` pixels from the edge of the screen.
    pub fn open(stage: &'a Stage, name: &str, lang: Lang, left: u32, args: &[&str]) -> Self {
        let folder = stage.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("parlor.json");
        std::fs::write(&config, format!("{{\"host_port\": {}, \"sidebar\": false, \"speaker\": \"none\"}}", stage.port)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        let size = format!("{}x{}", SIZE.0, SIZE.1);
        command.args(["--name", name, "--size", &size, "--source", "pattern", "--mic", "tone", "--exit-after", "280"]);
        command.args(args).arg("--config").arg(&config);
        stage.access.take(stage.screen.take(&mut command)).env("XDG_RUNTIME_DIR", &folder);
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let pid = process.0.id().to_string();
        let id = poll("a window on the screen", || {
            stage.xdotool(&["search", "--onlyvisible", "--pid", &pid]).lines().last().map(str::to_owned)
        });
        stage.xdotool(&["windowmove", &id, &left.to_string(), "0"]);
        Self { stage, process, folder, id, texts: Texts::new(lang) }
    }

    /// A text of the program in this window's language.
    pub fn t(&self, key: &str) -> String {
        self.texts.t(key)
    }

    pub fn nodes(&self) -> Vec<Node> {
        self.stage.access.nodes(self.process.0.id()).unwrap_or_default()
    }

    /// Waits until something in the window is as wanted.
    pub fn see_that<T>(&mut self, what: &str, find: impl Fn(&[Node]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let nodes = self.nodes();
            let sign = nodes.iter().find(|node| node.name.chars().any(|letter| ('\u{e000}'..='\u{f8ff}').contains(&letter)));
            assert!(sign.is_none(), "a screen reader cannot read {sign:?}");
            if let Some(found) = find(&nodes) {
                return found;
            }
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if let Some(status) = self.process.0.try_wait().unwrap() {
                panic!("the window ended with {status}: {}", log());
            }
            if Instant::now() > deadline {
                self.keep("in-vain");
                let names: Vec<_> = nodes.iter().map(|node| (&node.name, node.place)).collect();
                panic!("{what}: not within {PATIENCE:?}; there is {names:?}\n{}", log());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits for something with this name, or whose name contains it.
    pub fn see(&mut self, name: &str) -> Node {
        self.see_that(name, |nodes| {
            let exact = nodes.iter().find(|node| node.name == name);
            exact.or_else(|| nodes.iter().find(|node| node.name.contains(name))).cloned()
        })
    }

    /// Waits until nothing has this name any more.
    pub fn see_no(&mut self, name: &str) {
        self.see_that(&format!("no {name}"), |nodes| {
            (!nodes.is_empty() && nodes.iter().all(|node| node.name != name)).then_some(())
        });
    }

    /// Waits for a button or field with this name that has come to rest inside the window.
    fn control(&mut self, name: &str) -> Node {
        let mut before = None;
        poll(&format!("{name} where it can be clicked"), || {
            let found = self.see_that(name, |nodes| nodes.iter().find(|node| node.name == name && node.is_control()).cloned());
            let (x, y) = found.middle();
            let inside = x > 0 && y > 0 && x < SIZE.0 as i32 && y < SIZE.1 as i32;
            let rests = before.replace(found.place) == Some(found.place);
            (inside && rests).then_some(found)
        })
    }

    pub fn click(&mut self, name: &str) {
        let (x, y) = self.control(name).middle();
        self.to_front();
        self.stage.xdotool(&["mousemove", "--window", &self.id, &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Presses a key.
    pub fn press(&self, key: &str) {
        self.to_front();
        self.stage.xdotool(&["key", key]);
    }

    /// Types `text` into the field with this name, which has the keyboard or gets it, and presses Enter.
    pub fn write(&mut self, field: &str, text: &str) {
        let focused =
            |nodes: &[Node]| nodes.iter().find(|node| node.name == field && node.text.is_some() && node.focused).cloned();
        self.see_that(&format!("the cursor in {field}"), focused);
        self.to_front();
        self.stage.xdotool(&["type", "--delay", "30", text]);
        self.see_that(&format!("{text:?} in {field}"), |nodes| focused(nodes).filter(|node| node.text.as_deref() == Some(text)));
        self.stage.xdotool(&["key", "Return"]);
    }

    fn to_front(&self) {
        self.stage.xdotool(&["windowactivate", "--sync", &self.id]);
    }

    /// What the window looks like.
    pub fn picture(&self) -> image::RgbaImage {
        self.to_front();
        let path = self.folder.join("picture.png");
        self.stage.screen.picture(&self.id, &path).unwrap();
        image::open(&path).unwrap().to_rgba8()
    }

    /// Keeps a picture for the documentation, with PARLOR_TEST_PICTURES set to a folder.
    pub fn keep(&self, name: &str) {
        if let Some(folder) = std::env::var_os("PARLOR_TEST_PICTURES") {
            self.picture().save(PathBuf::from(folder).join(format!("{name}.png"))).unwrap();
        }
    }

    /// Asks it politely to end, as a session manager does.
    pub fn terminate(mut self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = poll("the end of the program", || self.process.0.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }
}
