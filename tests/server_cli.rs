//! The `parlor-server` program, as scripts use it.
#![cfg(all(feature = "server", feature = "room"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use parlor::proto::Code;
use parlor::room::{Client, ErrorKind};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    child: Child,
    ready: serde_json::Value,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        Self::spawn(command().args(args))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        Self { child, ready }
    }

    fn listen(&self) -> String {
        self.ready["listen"].as_str().unwrap().to_owned()
    }

    fn client(&self) -> Client {
        Client::new(&self.listen()).unwrap()
    }

    /// One request in plain text.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.listen()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.listen()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
    for key in parlor::host::config::keys() {
        command.env_remove(&key.env);
    }
    // No server of a test reads or writes the person's own folder.
    command.env("STATE_DIRECTORY", "/dev/null/none");
    command
}

fn output(args: &[&str]) -> Output {
    command().args(args).output().unwrap()
}

#[test]
fn it_says_which_build_it_is_and_whose_work_is_in_it() {
    let said = |flag: &str| String::from_utf8(command().arg(flag).output().unwrap().stdout).unwrap();
    let short = format!("parlor-server {}\n", parlor::version());
    assert_eq!(said("-V"), short);
    let long = said("--version");
    assert!(long.starts_with(&short) && long.contains("\ntarget: ") && long.contains("\nprofile: "), "{long}");
    assert_eq!(said("--licences"), parlor::LICENCES);
}

#[test]
fn the_ready_line_says_where() {
    let server = Server::start(&["--listen", "127.0.0.1:0"]);
    let listen = server.listen();
    assert!(!listen.ends_with(":0"));
    let pin = server.ready["pin"].as_str().unwrap();
    assert!(pin.parse::<parlor::base::Pin>().is_ok(), "{pin}");
    assert_eq!(
        server.ready,
        serde_json::json!({
            "ready": true,
            "pin": pin,
            "https": format!("https://{listen}"),
            "rtmps": format!("rtmps://{listen}/live"),
            "listen": listen,
            "http": format!("http://{listen}"),
            "rtmp": format!("rtmp://{listen}/live"),
            "invite_base": format!("parlor://{listen}"),
        })
    );
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/nothing").starts_with("HTTP/1.1 404"));
}

#[test]
fn listening_on_all_addresses_names_one_that_others_can_use() {
    let server = Server::start(&["--listen", "0.0.0.0:0"]);
    let base = server.ready["http"].as_str().unwrap();
    assert!(!base.contains("0.0.0.0"), "{base}");
    assert!(TcpStream::connect(base.trim_start_matches("http://")).is_ok());
}

#[test]
fn several_addresses_and_the_environment_work() {
    let server = Server::spawn(command().env("PARLOR_LISTEN", "127.0.0.1:0,127.0.0.1:0"));
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    let server = Server::start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"]);
    assert!(server.listen().starts_with("127.0.0.1:"));
}

#[test]
fn a_taken_port_is_one_plain_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let output = output(&["--listen", &addr]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(&addr) && stderr.contains("taken"), "{stderr}");
}

#[test]
fn bad_flags_and_bad_folders_are_refused() {
    for (args, word) in [
        (&["--listen", "nowhere"][..], "--listen"),
        (&["--listen", "127.0.0.1:99999"], "--listen"),
        (&["--frobnicate"], "--frobnicate"),
        (&["extra"], "extra"),
        (&["--listen", "127.0.0.1:0", "--data", "/dev/null/data"], "/dev/null/data"),
        (&["--listen", "203.0.113.1:0"], "203.0.113.1"),
    ] {
        let output = output(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(word), "{args:?}: {stderr}");
    }
}

#[cfg(unix)]
#[test]
fn a_wish_to_stop_ends_it_soon_and_well_even_while_clients_wait() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&["--listen", "127.0.0.1:0"]);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = server.client();
        let seat = runtime.block_on(async {
            client.login("Ann").await.unwrap();
            let wish = serde_json::from_value(serde_json::json!({ "name": "Call", "mode": "duo" })).unwrap();
            client.create_room(&wish).await.unwrap()
        });
        let poll = runtime.spawn({
            let (client, room) = (client.clone(), seat.room.clone());
            async move { client.events(&room, seat.seq, Duration::from_secs(25)).await }
        });
        let idle = TcpStream::connect(server.listen()).unwrap();
        let mut half = TcpStream::connect(server.listen()).unwrap();
        half.write_all(b"GET / HT").unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let asked = Instant::now();
        server.signal(signal);
        let status = server.wait();
        let took = asked.elapsed();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(took < Duration::from_secs(10), "{signal}: {took:?}; within 2 s on an idle machine");
        let told = runtime.block_on(poll).unwrap().unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Problem(Code::Stopping), "whoever waited is told to connect again");
        drop((idle, half));
    }
}

#[test]
fn garbage_on_the_port_breaks_nothing() {
    let server = Server::start(&["--listen", "127.0.0.1:0"]);
    let mut seed = 1_u32;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    for first in 0..=255_u8 {
        let mut stream = TcpStream::connect(server.listen()).unwrap();
        let mut bytes = vec![first];
        bytes.extend((0..4000).map(|_| noise()));
        // The server may close before all is written: that is what is wanted.
        let _ = stream.write_all(&bytes);
    }
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn the_data_folder_keeps_people_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("parlor");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = |listen: &str| Server::start(&["--listen", listen, "--data", data.to_str().unwrap()]);
    let server = start("127.0.0.1:0");
    let (client, listen) = (server.client(), server.listen());
    let before = runtime.block_on(client.login("Ann")).unwrap();
    drop(server);
    let _server = start(&listen);
    runtime.block_on(client.get_room_list(0, 1)).unwrap();
    assert_eq!(client.session().unwrap().token, before.token);
    assert!(is_private(&data.join("token.key")));
}

#[cfg(unix)]
#[test]
fn another_key_signs_after_rotation_and_people_stay_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().to_str().unwrap(), folder.path().join("log"));
    let stderr = std::fs::File::create(&log).unwrap();
    let server = Server::spawn(command().args(["--listen", "127.0.0.1:0", "--data", data]).stderr(stderr));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (ann, ben) = (server.client(), server.client());
    let before = runtime.block_on(ann.login("Ann")).unwrap();
    let keys = || std::fs::read_to_string(folder.path().join("token.key")).unwrap().matches("key ").count();
    assert_eq!(keys(), 1);
    // Keys are told apart by the second in which they were made.
    std::thread::sleep(Duration::from_millis(1100));
    assert!(output(&["--data", data, "--rotate-keys"]).status.success());
    assert_eq!(keys(), 2);
    assert!(is_private(&folder.path().join("token.key")));
    server.signal("HUP");
    let until = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(&log).unwrap().contains("a newer key signs tokens") {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(10));
    }
    runtime.block_on(ann.get_room_list(0, 1)).unwrap();
    assert_eq!(ann.session().unwrap().token, before.token);
    runtime.block_on(ben.login("Ben")).unwrap();
    runtime.block_on(ben.get_room_list(0, 1)).unwrap();
}

#[test]
fn a_ping_says_whether_the_server_is_well() {
    let server = Server::start(&["--listen", "127.0.0.1:0"]);
    let listen = server.listen();
    let port = listen.rsplit_once(':').unwrap().1.to_owned();
    // As it is configured in a container: everywhere.
    for address in [listen.clone(), format!("0.0.0.0:{port}")] {
        let asked = output(&["--listen", &address, "--ping"]);
        assert_eq!(String::from_utf8(asked.stdout).unwrap(), format!("127.0.0.1:{port}: well\n"));
        assert!(asked.status.success());
    }
    drop(server);
    let asked = output(&["--listen", &listen, "--ping"]);
    assert!(!asked.status.success());
    assert!(String::from_utf8(asked.stderr).unwrap().contains("no server answers"));
}

#[cfg(target_os = "linux")]
#[test]
fn the_service_manager_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).trim_end().to_owned()
    };
    let server = Server::spawn(command().args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &path));
    assert_eq!(told(), "READY=1");
    server.signal("TERM");
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn the_figures_are_what_prometheus_reads() {
    let server = Server::start(&["--listen", "127.0.0.1:0"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = server.client();
    runtime.block_on(async {
        client.login("Ann").await.unwrap();
        let wish = serde_json::from_value(serde_json::json!({ "name": "Call", "mode": "duo" })).unwrap();
        client.create_room(&wish).await.unwrap();
    });
    let _ = server.get("/v1/rooms/none");
    let answer = server.get("/metrics");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("content-type: application/openmetrics-text"), "{answer}");
    let text = answer.split_once("\r\n\r\n").unwrap().1;
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators.md")).unwrap();
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(guide.contains(&format!("`{name}")), "the guide says nothing of {name}");
    }
    let figures = Figures::parse(text);
    assert_eq!(figures.value("parlor_rooms", ""), 1.0);
    assert_eq!(figures.value("parlor_members", ""), 1.0);
    assert_eq!(figures.value("parlor_http_request_duration_seconds_count", "route=\"/v1/login\",result=\"ok\""), 1.0);
    assert!(figures.value("process_resident_memory_bytes", "") > 1e6);
    assert!(figures.value("process_open_fds", "") > 3.0);
    assert!(figures.value("process_cpu_seconds_total", "") >= 0.0);
    assert!(figures.0.keys().any(|(name, labels)| name == "parlor_build_info" && labels.contains("version=")));

    let closed = Server::start(&["--listen", "127.0.0.1:0", "--metrics", "off"]);
    assert!(closed.get("/metrics").starts_with("HTTP/1.1 404"));
}

/// Figures by name and labels, read as strictly as the format is written.
struct Figures(std::collections::BTreeMap<(String, String), f64>);

impl Figures {
    fn parse(text: &str) -> Self {
        let (mut kinds, mut figures) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
        let (body, end) = text.split_at(text.len() - "# EOF\n".len());
        assert_eq!(end, "# EOF\n");
        for line in body.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                let words: Vec<&str> = about.splitn(3, ' ').collect();
                assert!(["HELP", "TYPE", "UNIT"].contains(&words[0]) && words.len() == 3, "{line}");
                if words[0] == "TYPE" {
                    assert!(["counter", "gauge", "histogram", "info"].contains(&words[2]), "{line}");
                    assert!(kinds.insert(words[1].to_owned(), words[2].to_owned()).is_none(), "twice: {line}");
                }
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) =
                series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
            let kind = kinds.iter().find(|(known, kind)| match kind.as_str() {
                "counter" => name == format!("{known}_total"),
                "info" => name == format!("{known}_info"),
                "histogram" => ["_sum", "_count", "_bucket"].iter().any(|end| name == format!("{known}{end}")),
                _ => name == known.as_str(),
            });
            assert!(kind.is_some(), "no type: {line}");
            let value = value.parse().unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(figures.insert((name.to_owned(), labels.to_owned()), value).is_none(), "twice: {line}");
        }
        Self(figures)
    }

    fn value(&self, name: &str, labels: &str) -> f64 {
        *self.0.get(&(name.to_owned(), labels.to_owned())).unwrap_or_else(|| panic!("no {name} {labels} in {:?}", self.0))
    }
}

#[cfg(unix)]
#[test]
fn settings_are_read_again_while_streams_and_people_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    std::fs::write(&file, "[limits]\nrooms = 1\n[log]\nlevel = \"info\"\n").unwrap();
    let log = folder.path().join("log");
    let mut server = Server::spawn(
        command()
            .args(["--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()])
            .stderr(std::fs::File::create(&log).unwrap()),
    );
    let said = |words: &str| {
        let until = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&log).unwrap().contains(words) {
            assert!(Instant::now() < until, "no {words:?} in\n{}", std::fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let wish = |name: &str| serde_json::from_value(serde_json::json!({ "name": name, "mode": "duo" })).unwrap();
    let client = server.client();
    let seat = runtime.block_on(async {
        client.login("Ann").await.unwrap();
        client.create_room(&wish("One")).await.unwrap()
    });
    let second = || runtime.block_on(client.create_room(&wish("Two")));
    assert!(second().is_err(), "one room is allowed");
    let poll = runtime.spawn({
        let (client, room) = (client.clone(), seat.room.clone());
        async move { client.events(&room, seat.seq, Duration::from_secs(25)).await }
    });

    std::fs::write(&file, "public = \"calls.example\"\n[limits]\nrooms = 2\n[log]\nlevel = \"debug\"\n").unwrap();
    server.signal("HUP");
    said("limits.rooms");
    said("these settings change when the program starts anew");
    assert!(!poll.is_finished(), "a long poll goes on");
    second().unwrap();
    let _ = TcpStream::connect(server.listen()).unwrap().write_all(b"?");
    said("neither RTMP nor HTTP");

    std::fs::write(&file, "[limits]\nrooms = \"many\"\n").unwrap();
    server.signal("HUP");
    said("server.toml:2: `limits.rooms` must be a whole number");
    runtime.block_on(client.heartbeat(&seat.room, parlor::proto::api::Sending::default())).unwrap();
    server.signal("TERM");
    assert!(server.wait().success());
}

#[test]
fn a_good_configuration_is_called_good_and_a_bad_one_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    let (path, cert) = (file.to_str().unwrap(), folder.path().join("cert.pem"));
    std::fs::write(&file, "open = true\n[limits]\nrooms = 5\n").unwrap();
    let good = output(&["--config", path, "--check"]);
    assert!(good.status.success() && String::from_utf8(good.stdout).unwrap().contains("server.toml: good"));
    let printed = String::from_utf8(output(&["--config", path, "--print-config", "--limits-duo=2"]).stdout).unwrap();
    assert!(printed.contains("\nrooms = 5\n") && printed.contains("\nopen = true\n"), "{printed}");

    std::fs::write(&file, format!("opne = true\n[tls]\ncert = \"{0}\"\nkey = \"{0}\"\n", cert.display())).unwrap();
    let bad = output(&["--config", path, "--check"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8(bad.stderr).unwrap().contains("server.toml:1: `opne` is unknown"));
    assert!(!output(&["--config", path]).status.success(), "nor does it start");
    std::fs::write(&file, format!("[tls]\ncert = \"{0}\"\nkey = \"{0}\"\n", cert.display())).unwrap();
    let bad = output(&["--config", path, "--check"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8(bad.stderr).unwrap().contains("cert.pem"), "a missing file is named");
    std::fs::write(&cert, "no certificate").unwrap();
    let bad = output(&["--config", path, "--check"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8(bad.stderr).unwrap().contains("`tls`"), "files that hold something else are refused");
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600
}

#[cfg(not(unix))]
fn is_private(path: &Path) -> bool {
    path.exists()
}
