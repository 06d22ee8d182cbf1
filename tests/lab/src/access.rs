//! What a screen reader is told of the programs' windows (AT-SPI over a private D-Bus): what is there, what it is called, and where it is. Tests
//! find by its name what they click, as people do, and read what a window says.

use crate::Running;
use crate::screen::Screen;
use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

/// What a missing program is answered with.
const NEEDED: &str = "this needs AT-SPI: run `cargo xtask test`, or install the packages at-spi2-core and dbus-daemon";
/// What the registry and every program call the root of their tree.
const ROOT: &str = "/org/a11y/atspi/accessible/root";
const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const COMPONENT: &str = "org.a11y.atspi.Component";
const TEXT: &str = "org.a11y.atspi.Text";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Places are told from the window's upper left corner.
const FROM_WINDOW: u32 = 1;
/// The bit of whoever has the keyboard.
const FOCUSED: u32 = 1 << 12;
/// What takes text, by its number among roles; passwords are another one.
const ENTRY: u32 = 79;
/// Deeper than this no window is.
const DEEPEST: usize = 40;

/// Something in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What a screen reader calls it, or reads of it.
    pub name: String,
    /// Its number among the roles of AT-SPI.
    pub role: u32,
    /// Where it is in its window, in pixels: left, top, width, height.
    pub place: (i32, i32, i32, i32),
    /// It has the keyboard.
    pub focused: bool,
    /// What stands in it, where one can type.
    pub text: Option<String>,
}

impl Node {
    /// Its middle.
    pub fn middle(&self) -> (i32, i32) {
        let (left, top, width, height) = self.place;
        (left + width / 2, top + height / 2)
    }

    /// Whether it is one of the things that are clicked or typed into, not a text that says the same.
    pub fn is_control(&self) -> bool {
        const LABEL: u32 = 29;
        self.role != LABEL
    }
}

/// A private D-Bus on which programs tell of their windows. It ends when dropped.
#[derive(Debug)]
pub struct Access {
    address: String,
    tree: Connection,
    _daemon: Running,
    _folder: tempfile::TempDir,
}

/// Where something is on the bus.
type Place = (String, OwnedObjectPath);

impl Access {
    /// Starts it for the programs of this screen.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub fn start(screen: &Screen) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        // The services that it starts keep their sockets there.
        screen.take(&mut daemon).env("XDG_RUNTIME_DIR", folder.path()).env_remove("AT_SPI_BUS_ADDRESS");
        let mut daemon = Running(daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context(NEEDED)?);
        let mut address = String::new();
        let said = daemon.0.stdout.take().context("D-Bus has no output")?;
        BufReader::new(said).read_line(&mut address).context("D-Bus does not say its address")?;
        let address = address.trim().to_owned();
        let session = Builder::address(address.as_str())?.build().context("D-Bus does not answer")?;
        for on in ["IsEnabled", "ScreenReaderEnabled"] {
            let status = ("org.a11y.Status", on, Value::from(true));
            session.call_method(Some("org.a11y.Bus"), "/org/a11y/bus", Some(PROPERTIES), "Set", &status).context(NEEDED)?;
        }
        let bus = session.call_method(Some("org.a11y.Bus"), "/org/a11y/bus", Some("org.a11y.Bus"), "GetAddress", &())?;
        let bus: String = bus.body().deserialize()?;
        let tree = Builder::address(bus.as_str())?.build().context("the bus of AT-SPI does not answer")?;
        Ok(Self { address, tree, _daemon: daemon, _folder: folder })
    }

    /// Makes a program that is about to be started tell of its windows here.
    pub fn take<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env_remove("AT_SPI_BUS_ADDRESS")
    }

    /// What is in the windows of a program now, in reading order; what goes away while one looks is left out.
    ///
    /// # Errors
    /// When the program does not tell of its windows (yet).
    pub fn nodes(&self, process: u32) -> Result<Vec<Node>> {
        let registry = ("org.a11y.atspi.Registry".to_owned(), OwnedObjectPath::try_from(ROOT)?);
        let programs = self.children(&registry)?;
        let program = programs.into_iter().find(|(name, _)| self.process(name).is_ok_and(|id| id == process));
        let Some(program) = program else { bail!("process {process} tells of no window") };
        let mut nodes = Vec::new();
        self.collect(&program, DEEPEST, &mut nodes);
        Ok(nodes)
    }

    fn collect(&self, at: &Place, deep: usize, nodes: &mut Vec<Node>) {
        if let Ok(node) = self.node(at) {
            nodes.push(node);
        }
        if let (Ok(children), Some(deep)) = (self.children(at), deep.checked_sub(1)) {
            children.iter().for_each(|child| self.collect(child, deep, nodes));
        }
    }

    fn node(&self, at: &Place) -> Result<Node> {
        let place = self.ask::<(i32, i32, i32, i32)>(at, COMPONENT, "GetExtents", &FROM_WINDOW)?;
        let name: OwnedValue = self.ask(at, PROPERTIES, "Get", &(ACCESSIBLE, "Name"))?;
        let role = self.ask(at, ACCESSIBLE, "GetRole", &())?;
        let states: Vec<u32> = self.ask(at, ACCESSIBLE, "GetState", &())?;
        let text = if role == ENTRY { self.ask(at, TEXT, "GetText", &(0_i32, -1_i32)).ok() } else { None };
        let focused = states.first().is_some_and(|states| states & FOCUSED != 0);
        Ok(Node { name: String::try_from(name)?, role, place, focused, text })
    }

    fn children(&self, at: &Place) -> Result<Vec<Place>> {
        self.ask(at, ACCESSIBLE, "GetChildren", &())
    }

    fn process(&self, name: &str) -> Result<u32> {
        let credentials = (name,);
        let bus = Some("org.freedesktop.DBus");
        let reply = self.tree.call_method(bus, "/org/freedesktop/DBus", bus, "GetConnectionCredentials", &credentials)?;
        let known: HashMap<String, OwnedValue> = reply.body().deserialize()?;
        Ok(u32::try_from(known.get("ProcessID").context("nobody knows whose it is")?)?)
    }

    fn ask<T>(
        &self,
        at: &Place,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
    ) -> Result<T>
    where
        T: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let reply = self.tree.call_method(Some(at.0.as_str()), &at.1, Some(interface), method, body)?;
        Ok(reply.body().deserialize()?)
    }
}
