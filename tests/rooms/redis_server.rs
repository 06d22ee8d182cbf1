//! A real Redis of one's own, on a free port, that keeps nothing and ends with its owner.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct RedisServer {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    pub fn start() -> Self {
        for _ in 0..20 {
            // Somebody else may take the port before Redis does: then another one.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Self { port, folder: tempfile::tempdir().unwrap(), child: None };
            if server.run() {
                return server;
            }
        }
        panic!("no redis-server came up");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again at the same address; it remembers nothing.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.run(), "redis-server did not come back");
    }

    fn run(&mut self) -> bool {
        let started = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.expect("redis-server is needed for this test: install the package of that name");
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(20) && child.try_wait().unwrap().is_none() {
            // Another Redis at that port would answer, too.
            if self.says(&child) {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        false
    }

    /// Whether it answers, and is that process.
    fn says(&self, child: &Child) -> bool {
        let info = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(b"INFO server\r\nQUIT\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        info().is_ok_and(|info| info.contains(&format!("process_id:{}\r\n", child.id())))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
