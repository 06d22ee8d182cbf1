//! nginx from the distribution's packages, and a server in front of it, both configured by the guide's own words.

use parlor::base::Clock;
use parlor::host::config::Sources;
use parlor::host::{self, Host};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for anything that should come at once; a loaded machine may need it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose streams are on nginx. Stops nginx when dropped.
pub struct Behind {
    // Stopped before its folder goes.
    nginx: Child,
    pub host: Host,
    pub folder: TempDir,
}

impl Behind {
    /// Starts what the guide's section under this heading says. `clock` is the server's.
    pub async fn start(heading: &str, clock: Clock) -> Self {
        Self::start_with(heading, "", clock).await
    }

    /// The same with more settings of the engine.
    pub async fn start_with(heading: &str, more: &str, clock: Clock) -> Self {
        let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators.md")).unwrap();
        let section = guide.split_once(&format!("\n### {heading}\n")).expect("the guide has no such section").1;
        let section = section.split("\n### ").next().unwrap();
        let block = |kind: &str| {
            let (_, rest) = section.split_once(&format!("\n```{kind}\n")).unwrap();
            rest.split_once("\n```").unwrap().0.to_owned()
        };
        let folder = tempfile::tempdir().unwrap();
        let (rtmp, http) = (free_port(), free_port());
        let settings =
            block("toml").replace(":1936/", &format!(":{rtmp}/")).replace("127.0.0.1:8080", &format!("127.0.0.1:{http}"))
                + "\n"
                + more;
        let file = folder.path().join("server.toml");
        fs::write(&file, settings).unwrap();
        let settings = Sources::default().with_file(&file).load().unwrap();
        let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let host = host::start(host::Config { listen, clock, ..settings }).await.unwrap();

        // The same file, but for ports, places and privileges.
        let place = folder.path().display();
        let hooks = format!("//{}/v1/hooks", host.addr());
        let configuration = block("nginx")
            .replace("modules/ngx_rtmp_module.so", module())
            .replace("listen 1936;", &format!("listen 127.0.0.1:{rtmp};"))
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{http}"))
            .replace("//127.0.0.1:1935/v1/hooks", &hooks)
            .replace("\nworker_processes 1;", &format!("\ndaemon off;\nmaster_process off;\npid {place}/nginx.pid;\nerror_log {place}/error.log info;"))
            .replace(
                "http {\n",
                &format!(
                    "http {{\n    access_log {place}/access.log;\n    client_body_temp_path {place}/body;\n    proxy_temp_path {place}/proxy;\n    \
                     fastcgi_temp_path {place}/fastcgi;\n    uwsgi_temp_path {place}/uwsgi;\n    scgi_temp_path {place}/scgi;\n"
                ),
            );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(folder.path()).arg("-c").arg(&file).arg("-e").arg(folder.path().join("error.log"));
        let nginx = nginx.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let nginx = nginx.expect("the program `nginx` is missing (packages nginx and libnginx-mod-rtmp)");
        let mut behind = Self { nginx, host, folder };
        for port in [rtmp, http] {
            behind.wait_for(port);
        }
        behind
    }

    fn wait_for(&mut self, port: u16) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = self.nginx.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "nginx does not listen ({ended:?}):\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What nginx wrote.
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}", read("error.log"), read("access.log"))
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn module() -> &'static str {
    let places = ["/usr/lib/nginx/modules/ngx_rtmp_module.so", "/usr/lib64/nginx/modules/ngx_rtmp_module.so"];
    places.into_iter().find(|file| Path::new(file).exists()).expect("nginx's RTMP module is missing (package libnginx-mod-rtmp)")
}
