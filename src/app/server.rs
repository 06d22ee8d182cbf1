//! The server in use: the one inside this program, or one at an address; and its room list.

use super::errors::{self, Sentence};
use super::i18n::Texts;
use super::prejoin::preview::Wake;
use super::settings::{SavedServer, ServerChoice, Settings};
use super::view::{ProbeView, RoomsView, ServerKind, ServerView};
use crate::base::Slot;
use crate::host::{self, Host};
use crate::proto::api::{Login, RoomSummary};
use crate::proto::{Address, Code, name};
use crate::room::{self, Client, ErrorKind, Transport};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How often the room list is read.
const REFRESH: Duration = Duration::from_secs(5);
/// Rooms that are shown at most.
const MOST_ROOMS: usize = 200;

/// Why there is no server.
#[derive(Clone, Debug)]
enum Failure {
    Room(room::Error),
    Host(String),
}

impl Failure {
    fn sentence(&self, texts: &Texts) -> Sentence {
        match self {
            Self::Room(error) => errors::room(texts, error),
            Self::Host(detail) => errors::host(texts, detail.clone()),
        }
    }
}

/// A server that answers.
#[derive(Clone, Debug)]
struct Ready {
    client: Client,
    /// As others reach it.
    public: Address,
    kind: ServerKind,
}

/// The server in use.
pub struct Server {
    runtime: Handle,
    wake: Wake,
    choice: ServerChoice,
    name: String,
    port: u16,
    data: Option<PathBuf>,
    access_key: String,
    /// How servers elsewhere are reached.
    transport: Transport,
    host: Arc<Mutex<Option<Host>>>,
    answer: Slot<Result<Ready, Failure>>,
    state: Option<Result<Ready, Failure>>,
    task: Option<JoinHandle<()>>,
    rooms: Option<Rooms>,
    probe: Option<Probe>,
}

/// An address that is being tried.
struct Probe {
    answer: Slot<Result<Ready, Failure>>,
    result: Option<Result<(), Failure>>,
    task: JoinHandle<()>,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts to use the server of the settings; `data` is where a server inside this program keeps its key, so that invites stay true.
    pub fn new(runtime: Handle, wake: Wake, settings: &Settings, data: Option<PathBuf>) -> Self {
        let mut server = Self {
            runtime,
            wake,
            choice: settings.server.clone(),
            name: settings.name.clone(),
            port: settings.host_port,
            data,
            access_key: settings.access_key.clone(),
            transport: settings.network.transport(),
            host: Arc::default(),
            answer: Slot::new(),
            state: None,
            task: None,
            rooms: None,
            probe: None,
        };
        server.choose(settings.server.clone());
        server
    }

    /// What to say at servers that ask for an access key, from the next choice on.
    pub fn set_access_key(&mut self, key: String) {
        self.access_key = key;
    }

    /// Reaches servers elsewhere like this from now on, the one in use among them.
    pub fn set_transport(&mut self, transport: Transport) {
        let before = std::mem::replace(&mut self.transport, transport);
        if before != self.transport && matches!(self.choice, ServerChoice::Address(_)) {
            self.choose(self.choice.clone());
        }
    }

    /// How the server in use is reached: one on this computer directly.
    pub fn transport(&self) -> Transport {
        match self.choice {
            ServerChoice::Here => Transport::DIRECT,
            ServerChoice::Address(_) => self.transport.clone(),
        }
    }

    /// What this server has to be told, if it is somebody else's.
    pub fn access_key(&self) -> Option<String> {
        let elsewhere = matches!(self.choice, ServerChoice::Address(_));
        Some(self.access_key.clone()).filter(|key| elsewhere && !key.is_empty())
    }

    /// Uses another server, or tries the same one again. A server inside this program goes on running until the program ends:
    /// others may be talking through it.
    pub fn choose(&mut self, choice: ServerChoice) {
        self.choice = choice;
        self.state = None;
        self.rooms = None;
        self.probe = None;
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.answer = Slot::new();
        let (answer, wake) = (self.answer.clone(), self.wake.clone());
        let (choice, host, port, data) = (self.choice.clone(), self.host.clone(), self.port, self.data.clone());
        let (login, transport) = (self.login(), self.transport.clone());
        self.task = Some(self.runtime.spawn(async move {
            answer.put(match &choice {
                ServerChoice::Here => here(&host, port, data, &login).await,
                ServerChoice::Address(address) => at(address, &transport, &login).await,
            });
            wake();
        }));
    }

    /// Finds out whether there is a server at this address that lets one in, while another one is in use.
    pub fn test(&mut self, server: &SavedServer) {
        let answer = Slot::new();
        let (put, wake) = (answer.clone(), self.wake.clone());
        let key = Some(server.access_key.clone()).filter(|key| !key.is_empty());
        let (address, login) = (server.address.clone(), Login { access_key: key, ..self.login() });
        let transport = self.transport.clone();
        let task = self.runtime.spawn(async move {
            put.put(at(&address, &transport, &login).await);
            wake();
        });
        self.probe = Some(Probe { answer, result: None, task });
    }

    /// What came of it.
    pub fn probe(&mut self, texts: &Texts) -> Option<ProbeView> {
        let probe = self.probe.as_mut()?;
        if let Some(answer) = probe.answer.take() {
            probe.result = Some(answer.map(|_| ()));
        }
        Some(match &probe.result {
            None => ProbeView::Checking,
            Some(Ok(())) => ProbeView::Works,
            Some(Err(failure)) => {
                let key_wanted = matches!(failure, Failure::Room(error) if matches!(
                    error.kind(),
                    ErrorKind::Problem(Code::AccessKeyRequired | Code::WrongAccessKey)
                ));
                ProbeView::Failed { sentence: failure.sentence(texts), key_wanted }
            }
        })
    }

    /// Who reads the room list.
    fn login(&self) -> Login {
        Login { access_key: self.access_key(), ..Login::new(name::check(&self.name).unwrap_or("Guest")) }
    }

    /// Takes what has arrived; returns whether the server has just become ready or failed.
    pub fn poll(&mut self) -> bool {
        if self.shared_is_gone() {
            self.choose(ServerChoice::Here);
        }
        let Some(answer) = self.answer.take() else { return false };
        if let Err(failure) = &answer {
            tracing::warn!(?failure, "no server");
        }
        if let Ok(ready) = &answer {
            self.rooms = Some(Rooms::start(&self.runtime, ready.client.clone(), self.login(), self.wake.clone()));
        }
        self.state = Some(answer);
        true
    }

    /// Whether the program on this computer that served both has ended: then this one serves.
    fn shared_is_gone(&self) -> bool {
        let shared = matches!(&self.state, Some(Ok(Ready { kind: ServerKind::Shared, .. })));
        let list = self.rooms.as_ref().filter(|_| shared).and_then(|rooms| lock(&rooms.list).clone());
        matches!(list, Some(Err(error)) if error.kind() == ErrorKind::Unreachable)
    }

    /// Which server is wanted.
    pub fn choice(&self) -> &ServerChoice {
        &self.choice
    }

    /// Address for this program's own requests, once the server answers.
    pub fn address(&self) -> Option<String> {
        self.state.as_ref()?.as_ref().ok().map(|ready| ready.client.address().to_string())
    }

    /// Address to put into invites instead of one that only this computer understands.
    pub fn public_address(&self) -> Option<&Address> {
        match self.state.as_ref()? {
            Ok(Ready { public, kind: ServerKind::Own | ServerKind::Shared, .. }) => Some(public),
            _ => None,
        }
    }

    /// Whether `address` means this server.
    pub fn is_at(&self, address: &Address) -> bool {
        let Some(Ok(Ready { client, public, .. })) = &self.state else { return false };
        let same_key = address.pin.is_none() || address.pin == public.pin;
        same_key && [client.address(), public].into_iter().any(|known| known.authority() == address.authority())
    }

    /// Why there is no server.
    pub fn failure(&self, texts: &Texts) -> Option<Sentence> {
        match self.state.as_ref()? {
            Ok(_) => None,
            Err(failure) => Some(failure.sentence(texts)),
        }
    }

    /// How the server is, for the screen.
    pub fn view(&self, texts: &Texts) -> ServerView {
        match (&self.state, &self.choice) {
            (None, ServerChoice::Here) => ServerView::Starting,
            (None, ServerChoice::Address(_)) => ServerView::Checking,
            (Some(Ok(ready)), _) => {
                ServerView::Ready { address: ready.public.authority(), link: ready.public.to_string(), kind: ready.kind }
            }
            (Some(Err(_)), _) => self.failure(texts).map_or(ServerView::Checking, ServerView::Failed),
        }
    }

    /// The room list, for the screen.
    pub fn rooms(&self, texts: &Texts) -> RoomsView {
        if let Some(sentence) = self.failure(texts) {
            return RoomsView::Failed(sentence);
        }
        let list = self.rooms.as_ref().and_then(|rooms| lock(&rooms.list).clone());
        match list {
            None => RoomsView::Loading,
            Some(Ok(list)) => RoomsView::List(list),
            Some(Err(error)) => RoomsView::Failed(errors::room(texts, &error)),
        }
    }

    /// Reads the room list now.
    pub fn refresh(&mut self) {
        match &self.rooms {
            Some(rooms) => rooms.refresh.notify_one(),
            None if self.state.is_some() => self.choose(self.choice.clone()),
            None => {}
        }
    }

    /// The server inside this program, to be stopped at the end.
    pub fn take_host(&self) -> Option<Host> {
        lock(&self.host).take()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Starts the server inside this program, or finds the one of another program on this computer.
async fn here(running: &Mutex<Option<Host>>, port: u16, data: Option<PathBuf>, login: &Login) -> Result<Ready, Failure> {
    let known = lock(running).as_ref().map(|host| (host.addr().port(), public(host.info())));
    let (port, public) = match known {
        Some(known) => known,
        None => match host_on(port, data.clone()).await {
            Ok(host) => own(running, host),
            Err(host::Error::AddressTaken(_)) => match at(&loopback(port), &Transport::DIRECT, login).await {
                Ok(shared) => return Ok(share(shared, port).await),
                // Something else has the port: any other will do.
                Err(_) => own(running, host_on(0, data).await.map_err(|error| Failure::Host(error.to_string()))?),
            },
            Err(error) => return Err(Failure::Host(error.to_string())),
        },
    };
    let ready = at(&loopback(port), &Transport::DIRECT, login).await?;
    Ok(Ready { public: public.unwrap_or_else(|| ready.public.clone()), kind: ServerKind::Own, ..ready })
}

/// The server of another program on this computer, with the key that it shows: what listens on this computer's own port is believed,
/// as it is without TLS.
async fn share(shared: Ready, port: u16) -> Ready {
    let public = match shared.client.key_shown().await {
        Ok(pin) => public(&host::info(everywhere(port), None, pin)),
        Err(error) => {
            tracing::warn!(%error, "the server on this computer shows no key: invites lead to it on this computer only");
            None
        }
    };
    Ready { public: public.unwrap_or_else(|| shared.public.clone()), kind: ServerKind::Shared, ..shared }
}

/// A server inside this program. Without a folder that can be written into, its key is for this run.
async fn host_on(port: u16, data: Option<PathBuf>) -> Result<Host, host::Error> {
    let config = host::Config { listen: vec![everywhere(port)], data, ..host::Config::default() };
    match host::start(config.clone()).await {
        Err(error @ (host::Error::Key(_) | host::Error::Identity(_))) if config.data.is_some() => {
            tracing::error!(error = &error as &dyn std::error::Error, "the server's keys are for this run only");
            host::start(host::Config { data: None, ..config }).await
        }
        started => started,
    }
}

fn everywhere(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

/// The address for people on other computers, with the server's key.
fn public(info: &host::Info) -> Option<Address> {
    format!("{}#pin={}", info.invite_base, info.pin).parse().ok()
}

fn own(running: &Mutex<Option<Host>>, host: Host) -> (u16, Option<Address>) {
    let found = (host.addr().port(), public(host.info()));
    tracing::info!(invite_base = host.info().invite_base, "serving");
    *lock(running) = Some(host);
    found
}

fn loopback(port: u16) -> String {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()
}

/// Signs in at `address`.
async fn at(address: &str, transport: &Transport, login: &Login) -> Result<Ready, Failure> {
    let client = Client::over(address, transport).map_err(Failure::Room)?;
    client.login_as(login).await.map_err(Failure::Room)?;
    Ok(Ready { public: client.address().clone(), client, kind: ServerKind::Remote })
}

/// The room list or why there is none; nothing before the first answer.
type List = Arc<Mutex<Option<Result<Vec<RoomSummary>, room::Error>>>>;

/// The room list, read every [`REFRESH`] until dropped.
struct Rooms {
    list: List,
    refresh: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Rooms {
    fn start(runtime: &Handle, client: Client, login: Login, wake: Wake) -> Self {
        let list = List::default();
        let refresh = Arc::new(Notify::new());
        let (shown, asked) = (list.clone(), refresh.clone());
        let task = runtime.spawn(async move {
            loop {
                let read = read(&client, &login).await;
                let changed = {
                    let mut shown = lock(&shown);
                    let same = matches!((shown.as_ref(), &read), (Some(Ok(old)), Ok(new)) if old == new);
                    *shown = Some(read);
                    !same
                };
                if changed {
                    wake();
                }
                // A time-out is no error here: it is time to read again.
                let _ = tokio::time::timeout(REFRESH, asked.notified()).await;
            }
        });
        Self { list, refresh, task }
    }
}

impl Drop for Rooms {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(client: &Client, login: &Login) -> Result<Vec<RoomSummary>, room::Error> {
    let first = client.get_room_list(0, MOST_ROOMS).await;
    let page = match first {
        // The server was started anew and knows nobody.
        Err(error) if error.kind() == ErrorKind::Problem(Code::Unauthorized) => {
            client.login_as(login).await?;
            client.get_room_list(0, MOST_ROOMS).await?
        }
        other => other?,
    };
    Ok(page.rooms)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Instant;

    fn ready(runtime: &Handle, port: u16, data: PathBuf) -> Server {
        let settings = Settings { server: ServerChoice::Here, name: "Ann".into(), host_port: port, ..Settings::default() };
        let mut server = Server::new(runtime.clone(), Arc::new(|| {}), &settings, Some(data));
        let begun = Instant::now();
        while !server.poll() {
            assert!(begun.elapsed() < Duration::from_secs(40), "the server does not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    #[test]
    fn invites_lead_here_from_other_computers_and_stay_true() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port();
        let mut addresses = Vec::new();
        for _ in 0..2 {
            let server = ready(runtime.handle(), port, folder.path().join("server"));
            let public = server.public_address().cloned().unwrap();
            assert!(public.pin.is_some() && public.is_encrypted() && server.is_at(&public));
            // The way that somebody on another computer takes: this computer's own address in the network, and TLS.
            let guest = Client::new(&public.to_string()).unwrap();
            runtime.block_on(guest.login("Ben")).unwrap();
            // A second program on this computer gives out the same.
            let other = ready(runtime.handle(), port, folder.path().join("other"));
            assert!(matches!(
                other.view(&Texts::new(crate::app::i18n::Lang::En)),
                ServerView::Ready { kind: ServerKind::Shared, .. }
            ));
            assert_eq!(other.public_address(), Some(&public));
            drop(other);
            runtime.block_on(server.take_host().unwrap().stop());
            addresses.push(public);
        }
        assert_eq!(addresses[0], addresses[1], "the key outlives the program");
    }
}
