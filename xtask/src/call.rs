//! Calls of `parlor-bot`s on a `parlor-server` of their own: for `run` without a display and for the benchmarks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{Running, built, typed};
use crate::table::Table;

/// A `parlor-server` on a free port of this computer; stopped when dropped.
pub struct Server {
    process: Running,
    /// Its address for `--server`: `http://127.0.0.1:PORT`.
    pub url: String,
    /// Where streams are published and played: `rtmp://127.0.0.1:PORT/live`.
    pub rtmp: String,
    /// The same over TLS: `rtmps://127.0.0.1:PORT/live#pin=PIN`.
    pub rtmps: String,
}

impl Server {
    pub fn start(release: bool) -> Result<Self> {
        Self::start_with(release, &[])
    }

    /// One with further arguments.
    pub fn start_with(release: bool, arguments: &[&str]) -> Result<Self> {
        Self::start_by(Command::new(built("parlor-server", release)), arguments)
    }

    /// One that `command` starts when it gets the server's arguments.
    pub fn start_by(command: Command, arguments: &[&str]) -> Result<Self> {
        Self::start_at(command, "127.0.0.1:0", arguments)
    }

    /// The same, at this address and port.
    pub fn start_at(mut command: Command, listen: &str, arguments: &[&str]) -> Result<Self> {
        let program = typed(&command);
        let mut process = Running(
            command
                .args(["--listen", listen])
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .env("PARLOR_LOG", "warn")
                // It has no business in the person's own folder.
                .env("STATE_DIRECTORY", "/dev/null/none")
                .spawn()
                .with_context(|| format!("cannot start {program}"))?,
        );
        let stdout = process.0.stdout.take().context("the server has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("reading the server's first line")?;
        let ready: Value = serde_json::from_str(&line).with_context(|| format!("the server is not ready; it said {line:?}"))?;
        let text = |key: &str| ready[key].as_str().map(str::to_owned).with_context(|| format!("no {key} in {line}"));
        let rtmps = format!("{}#pin={}", text("rtmps")?, text("pin")?);
        Ok(Self { url: text("http")?, rtmp: text("rtmp")?, rtmps, process })
    }

    /// Its process's number.
    pub fn process(&self) -> u32 {
        self.process.0.id()
    }

    /// Waits until a room called `name` is listed, which is when its creator's stream flows, and `people` are in it.
    pub fn wait_for_room(&self, name: &str, people: usize, limit: Duration) -> Result<()> {
        let login = self.request("POST", "/v1/login", None, r#"{"name":"Waiter"}"#)?;
        let token = login["token"].as_str().context("the server gave no token")?;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let page = self.request("GET", "/v1/rooms", Some(token), "")?;
            let rooms = page["rooms"].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_it = |room: &&Value| room["name"] == name;
            if rooms.iter().find(is_it).and_then(|room| room["members"].as_array()).is_some_and(|inside| inside.len() >= people) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the room {name:?} did not appear with {people} people within {} s", limit.as_secs())
    }

    /// One HTTP request with a JSON answer.
    pub fn request(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Result<Value> {
        let address = self.url.trim_start_matches("http://");
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = body.len();
        let mut connection = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n");
        write!(connection, "{head}{authorization}Content-Length: {length}\r\n\r\n{body}")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).with_context(|| format!("{method} {path}"))?;
        let (_, json) = answer.split_once("\r\n\r\n").with_context(|| format!("{method} {path}: an answer without a body"))?;
        serde_json::from_str(json).with_context(|| format!("{method} {path} was answered with {answer:?}"))
    }
}

/// What a bot is asked to do.
pub struct Bot {
    program: PathBuf,
    arguments: Vec<String>,
    name: String,
}

impl Bot {
    /// A member called `name`, for `seconds`.
    pub fn new(server: &str, name: &str, seconds: u64, release: bool) -> Self {
        let arguments = ["--server", server, "--name", name, "--seconds", &seconds.to_string(), "--json"];
        Self { program: built("parlor-bot", release), arguments: arguments.map(str::to_owned).to_vec(), name: name.to_owned() }
    }

    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    pub fn start(&self) -> Result<Member> {
        self.start_by(|_| ())
    }

    /// Starts it after `prepare` has had its way with the command.
    pub fn start_by(&self, prepare: impl FnOnce(&mut Command)) -> Result<Member> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("PARLOR_LOG", "warn");
        prepare(&mut command);
        let mut process = Running(command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?);
        // Read all along: a full pipe would stop the bot.
        let read = |pipe: Option<Box<dyn Read + Send>>| {
            thread::spawn(move || {
                let mut text = String::new();
                pipe.map(|mut pipe| pipe.read_to_string(&mut text));
                text
            })
        };
        let out = read(process.0.stdout.take().map(|pipe| Box::new(pipe) as _));
        let err = read(process.0.stderr.take().map(|pipe| Box::new(pipe) as _));
        Ok(Member { name: self.name.clone(), process, out, err })
    }
}

/// A bot at work.
pub struct Member {
    name: String,
    process: Running,
    out: thread::JoinHandle<String>,
    err: thread::JoinHandle<String>,
}

/// What a bot had to say in the end.
pub struct Report {
    pub name: String,
    /// Whether it got what it was told to expect.
    pub satisfied: bool,
    /// Its JSON object; `Null` when it printed none.
    pub json: Value,
    /// What it wrote to standard error.
    pub complaint: String,
}

impl Member {
    /// Its process's number.
    pub fn process(&self) -> u32 {
        self.process.0.id()
    }

    /// Waits for the bot's end; one that is not done by then is ended, and counts as failed.
    pub fn finish(mut self, limit: Duration) -> Result<Report> {
        let deadline = Instant::now() + limit;
        let status = loop {
            match self.process.0.try_wait().with_context(|| format!("{} was lost", self.name))? {
                Some(status) => break status,
                None if Instant::now() > deadline => bail!("{} did not end within {} s", self.name, limit.as_secs()),
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        let stdout = self.out.join().unwrap_or_default();
        let complaint = self.err.join().unwrap_or_default();
        let json = stdout.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null);
        Ok(Report { name: self.name, satisfied: status.success(), json, complaint })
    }
}

/// Who saw and heard whom.
pub fn table(reports: &[Report]) -> Table {
    let header = [
        "member",
        "saw and heard",
        "pictures",
        "fps",
        "size",
        "loudness",
        "first sound",
        "first picture",
        "delay p50",
        "p95",
        "p99",
        "kbit/s",
    ];
    let mut table = Table::new(header);
    for report in reports {
        let peers = report.json["peers"].as_array().map(Vec::as_slice).unwrap_or_default();
        for peer in peers {
            let number = |value: &Value, digits: usize, unit: &str| match value.as_f64() {
                Some(value) => format!("{value:.digits$}{unit}"),
                None => "-".to_owned(),
            };
            let delay = &peer["delay_ms"];
            table.row([
                report.name.clone(),
                peer["name"].as_str().unwrap_or("?").to_owned(),
                number(&peer["frames"], 0, ""),
                number(&peer["fps"], 1, ""),
                format!("{}x{}", number(&peer["width"], 0, ""), number(&peer["height"], 0, "")),
                number(&peer["audio_rms"], 3, ""),
                number(&peer["first_audio_ms"], 0, " ms"),
                number(&peer["first_frame_ms"], 0, " ms"),
                number(&delay["p50"], 0, " ms"),
                number(&delay["p95"], 0, " ms"),
                number(&delay["p99"], 0, " ms"),
                number(&peer["kbps"], 0, ""),
            ]);
        }
    }
    table
}
