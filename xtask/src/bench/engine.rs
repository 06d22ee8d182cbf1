//! RTMP engines of their own for one measurement each, on free ports: nginx with its RTMP module, and `parlor-server`.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::call::Server;
use crate::command::{Running, find, output};
use crate::temporary::Folder;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Which engine, and how it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// nginx-rtmp with its defaults and one worker process.
    Nginx,
    /// `parlor-server --open`.
    Parlor,
    /// The same with live streams: up to 10 ms of waiting for each other, the running group for everybody.
    ParlorLive,
    /// As for calls, over TLS.
    ParlorTls,
}

impl Engine {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Parlor, Self::ParlorLive, Self::ParlorTls];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-rtmp",
            Self::Parlor => "Parlor, calls",
            Self::ParlorLive => "Parlor, live",
            Self::ParlorTls => "Parlor, calls over TLS",
        }
    }

    pub fn start(self) -> Result<Started> {
        match self {
            Self::Nginx => nginx(),
            Self::Parlor => parlor(&["--open"], |server| server.rtmp.clone()),
            Self::ParlorLive => parlor(&["--open", "--open-live"], |server| server.rtmp.clone()),
            Self::ParlorTls => parlor(&["--open"], |server| server.rtmps.clone()),
        }
    }
}

/// An engine that runs until dropped.
pub struct Started {
    /// rtmp://HOST:PORT/live
    pub url: String,
    /// All its processes.
    pub processes: Vec<u32>,
    _server: Option<Server>,
    _nginx: Option<Nginx>,
}

/// nginx with its workers; a master that is killed would leave them behind.
struct Nginx {
    master: Running,
    _folder: Folder,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.master.0.id().to_string()]).status();
        let deadline = Instant::now() + STOP_LIMIT;
        while matches!(self.master.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn parlor(arguments: &[&str], url: impl Fn(&Server) -> String) -> Result<Started> {
    let server = Server::start_with(true, arguments)?;
    Ok(Started { url: url(&server), processes: vec![server.process()], _server: Some(server), _nginx: None })
}

fn nginx() -> Result<Started> {
    let folder = Folder::new("engine")?;
    let address = format!("127.0.0.1:{}", free_port()?);
    // One process: players at another worker of its wait for streams in vain as often as not.
    let nginx = start_nginx(folder.path(), &address, "worker_processes 1;\nuser root;\n")?;
    // It listens before it starts its workers.
    thread::sleep(Duration::from_millis(300));
    let mut processes = vec![nginx.0.id()];
    processes.extend(children(nginx.0.id()));
    let url = format!("rtmp://{address}/live");
    Ok(Started { url, processes, _server: None, _nginx: Some(Nginx { master: nginx, _folder: folder }) })
}

/// The processes whose parent is `process`.
fn children(process: u32) -> Vec<u32> {
    let list = output(Command::new("ps").args(["--no-headers", "-o", "pid", "--ppid", &process.to_string()]));
    list.unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .context("looking for a free port")?
        .port())
}

/// nginx with its RTMP module and nothing else, all its files in `folder`, at this address and port; `head` goes into its configuration's outermost part.
pub fn start_nginx(folder: &Path, address: &str, head: &str) -> Result<Running> {
    let program = find("nginx").context("nginx is missing")?;
    let modules = ["/usr/lib/nginx/modules/ngx_rtmp_module.so", "/usr/lib64/nginx/modules/ngx_rtmp_module.so"];
    let module =
        modules.iter().find(|file| Path::new(file).exists()).context("nginx's RTMP module is missing (libnginx-mod-rtmp)")?;
    let place = folder.display();
    let configuration = format!(
        "load_module {module};\ndaemon off;\npid {place}/nginx.pid;\nerror_log {place}/error.log;\n{head}\
         events {{ worker_connections 2048; }}\n\
         rtmp {{ server {{ listen {address}; chunk_size 4096; application live {{ live on; }} }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration).context("writing nginx's configuration")?;
    let nginx =
        Command::new(program).arg("-p").arg(folder).arg("-c").arg(&file).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut nginx = Running(nginx.context("cannot start nginx")?);
    let deadline = Instant::now() + START_LIMIT;
    while TcpStream::connect(address).is_err() {
        if let Ok(Some(status)) = nginx.0.try_wait() {
            let log = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
            bail!("nginx ended ({status}): {}", log.trim());
        }
        if Instant::now() > deadline {
            bail!("nginx does not listen");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(nginx)
}
