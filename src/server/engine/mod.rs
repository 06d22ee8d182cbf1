//! Somebody else's RTMP engine: the rooms are here, the streams are there.
//!
//! People get addresses made from [`Config`]'s templates, signed as the engine wants it; the engine asks by [`Hook`]s who may do what and
//! tells what flows. Pure but for a lock: `host` asks the engine and ends streams on it, with what [`look`] reads and [`Engine::place`] says.

mod config;
mod decide;
mod hooks;
pub mod look;
mod presence;
mod sign;
mod template;

pub use config::{Audio, Config, Kind, Presence, Scheme};
pub use hooks::{Hook, What};

use super::token::{Action, Holder};
use crate::base::Secret;
use crate::proto::api::{self, StreamRules};
use crate::proto::{Code, Problem};
use look::{Look, Looks};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use template::Template;

/// An engine that is configured.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    push: Template,
    play: Template,
    presence: Mutex<presence::Presence>,
}

impl Engine {
    /// The engine of this configuration; `None` if this server relays the streams itself.
    ///
    /// # Errors
    /// [`Config::faults`].
    pub fn new(config: &Config) -> Result<Option<Self>, Vec<String>> {
        let faults = config.faults();
        let parse = |text: &Option<String>| text.as_deref().map(Template::parse).transpose().map_err(|why| vec![why]);
        match (config.kind, parse(&config.push)?) {
            (Kind::Own, _) => Ok(None),
            (_, Some(push)) if faults.is_empty() => {
                let play = parse(&config.play)?.unwrap_or_else(|| push.clone());
                Ok(Some(Self { config: config.clone(), push, play, presence: Mutex::default() }))
            }
            _ => Err(faults),
        }
    }

    /// What it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How streams for it are to be made.
    pub fn rules(&self) -> StreamRules {
        let audio = match self.config.audio {
            Audio::Aac => api::Audio::Aac,
            Audio::Opus => api::Audio::Opus,
        };
        StreamRules { audio, repeat_every_ms: Some(self.config.repeat_ms), announce: self.trusts_clients() }
    }

    /// The address at which somebody may do `action` with a seat's stream until `expires`. `via` is the base of this server's
    /// own stream addresses for them, such as `rtmps://host:port`; `token` is what this server would sign it with.
    pub fn url(&self, action: Action, via: &str, seat: &Holder, token: &str, expires: Duration) -> String {
        let authority = via.split_once("://").map_or(via, |(_, authority)| authority);
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let filled = self.template(action).fill(host, seat);
        let query = match (self.config.sign, self.key(action)) {
            (Scheme::Token, _) => format!("token={token}"),
            (Scheme::Tx, Some(key)) => sign::tx(key.expose(), &filled.name, expires),
            (Scheme::SecureLink, Some(key)) => sign::secure_link(&self.config.expression, key.expose(), &filled.path, expires),
            (Scheme::Tx | Scheme::SecureLink, None) | (Scheme::None, _) => return filled.url,
        };
        let joint = if filled.url.contains('?') { '&' } else { '?' };
        format!("{}{joint}{query}", filled.url)
    }

    /// Application and name of a seat's stream on the engine.
    pub fn place(&self, seat: &Holder) -> (String, String) {
        let filled = self.push.fill("", seat);
        let app = filled.path.rsplit_once('/').map_or("", |(app, _)| app).trim_matches('/');
        (app.to_owned(), filled.name)
    }

    /// Whether hooks are taken from this address with this key.
    pub fn may_call(&self, from: IpAddr, key: Option<&str>) -> bool {
        let Config { hooks_from, hooks_key, .. } = &self.config;
        let from = from.to_canonical();
        let known = match (hooks_from.as_slice(), hooks_key) {
            ([], Some(_)) => true,
            ([], None) => from.is_loopback(),
            (listed, _) => listed.iter().any(|ip| ip.to_canonical() == from),
        };
        known && hooks_key.as_ref().is_none_or(|right| right.is(key.unwrap_or_default()))
    }

    /// Whether people's programs say that their streams flow.
    pub fn trusts_clients(&self) -> bool {
        self.config.presence == Presence::Clients
    }

    /// Whether a stream flows, by what hooks said.
    pub fn flows(&self, stream: &str, now: Duration) -> bool {
        self.presence().flows(stream, now)
    }

    /// Whether a stream flows, by what the engine has just answered.
    pub fn looked(&self, stream: &str, seat: &Holder, looks: &Looks, now: Duration) -> bool {
        self.presence().looked(stream, self.find(seat, looks), now)
    }

    /// How it stands with a seat's stream.
    pub fn find<'a>(&self, seat: &Holder, looks: &'a Looks) -> Option<&'a Look> {
        looks.get(&self.place(seat))
    }

    /// Forgets a stream that was ended.
    pub fn forget(&self, stream: &str) {
        self.presence().forget(stream);
    }

    fn template(&self, action: Action) -> &Template {
        match action {
            Action::Publish => &self.push,
            Action::Play | Action::Relay => &self.play,
        }
    }

    fn key(&self, action: Action) -> Option<&Secret> {
        match action {
            Action::Publish => self.config.push_key.as_ref(),
            Action::Play | Action::Relay => self.config.play_key.as_ref(),
        }
    }

    /// Whether the address that somebody came by is signed, where the signature is not ours to check with a room.
    fn check_signature(&self, action: Action, hook: &Hook, now: Duration) -> Result<(), Problem> {
        let uri = format!("/{}/{}", hook.app.trim_matches('/'), hook.name);
        let checked = match (self.config.sign, self.key(action)) {
            (Scheme::Tx, Some(key)) => sign::check_tx(key.expose(), &hook.name, &hook.args, now),
            (Scheme::SecureLink, Some(key)) => {
                sign::check_secure_link(&self.config.expression, key.expose(), &uri, &hook.args, now)
            }
            (Scheme::Tx | Scheme::SecureLink, None) | (Scheme::Token | Scheme::None, _) => Ok(()),
        };
        checked.map_err(|why| Problem::new(Code::Forbidden, why))
    }

    fn presence(&self) -> MutexGuard<'_, presence::Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{MemberId, RoomId};

    const EXPIRES: Duration = Duration::from_secs(0x5C27_1099);

    fn seat() -> Holder {
        Holder { room: RoomId::new("k7wq2mnd"), member: MemberId::new("abcdefghjkmn") }
    }

    fn engine(change: impl FnOnce(&mut Config)) -> Engine {
        let mut config = Config { kind: Kind::Nginx, push: Some("rtmp://{host}:1936/live/{stream}".into()), ..Config::default() };
        change(&mut config);
        Engine::new(&config).unwrap().unwrap()
    }

    #[test]
    fn addresses_are_signed_as_the_engine_wants_it() {
        let url = |engine: &Engine, action| engine.url(action, "calls.example:1935", &seat(), "a.b.c.d", EXPIRES);
        let base = "rtmp://calls.example:1936/live/k7wq2mnd_abcdefghjkmn";
        assert_eq!(url(&engine(|_| {}), Action::Publish), format!("{base}?token=a.b.c.d"));
        assert_eq!(url(&engine(|c| c.sign = Scheme::None), Action::Publish), base);
        let with_query = engine(|c| c.play = Some("rtmp://edge.example/live/{stream}?vhost=x".into()));
        let edge = "rtmp://edge.example/live/k7wq2mnd_abcdefghjkmn?vhost=x&token=a.b.c.d";
        assert_eq!(url(&with_query, Action::Play), edge);

        let tx = engine(|c| (c.sign, c.push_key) = (Scheme::Tx, Some(Secret::new("key"))));
        let signed = url(&tx, Action::Publish);
        assert!(signed.starts_with(&format!("{base}?txSecret=")) && signed.ends_with("&txTime=5C271099"), "{signed}");
        assert_eq!(url(&tx, Action::Play), base, "the key for publishing signs nothing for players");
        let link = engine(|c| {
            (c.sign, c.push_key, c.play_key) = (Scheme::SecureLink, Some(Secret::new("a")), Some(Secret::new("b")));
        });
        let (push, play) = (url(&link, Action::Publish), url(&link, Action::Play));
        assert!(push.contains("?md5=") && push.ends_with("&expires=1546064025") && push != play, "{push} {play}");
    }

    #[test]
    fn ipv6_hosts_keep_their_brackets() {
        let url = engine(|_| {}).url(Action::Publish, "[::1]:1935", &seat(), "t", EXPIRES);
        assert!(url.starts_with("rtmp://[::1]:1936/live/"), "{url}");
    }

    #[test]
    fn hooks_come_from_here_or_from_where_the_operator_says() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let plain = engine(|_| {});
        assert!(
            plain.may_call(ip("127.0.0.1"), None) && plain.may_call(ip("::1"), None) && !plain.may_call(ip("10.0.0.1"), None)
        );
        assert!(plain.may_call(ip("::ffff:127.0.0.1"), None));
        let listed = engine(|c| c.hooks_from = vec![ip("10.0.0.1")]);
        assert!(listed.may_call(ip("10.0.0.1"), None) && !listed.may_call(ip("127.0.0.1"), None));
        let key = engine(|c| c.hooks_key = Some(Secret::new("geheim")));
        assert!(key.may_call(ip("10.0.0.1"), Some("geheim")));
        assert!(!key.may_call(ip("127.0.0.1"), None) && !key.may_call(ip("127.0.0.1"), Some("geheimer")));
        let both = engine(|c| (c.hooks_from, c.hooks_key) = (vec![ip("10.0.0.1")], Some(Secret::new("geheim"))));
        assert!(both.may_call(ip("10.0.0.1"), Some("geheim")) && !both.may_call(ip("10.0.0.2"), Some("geheim")));
    }

    #[test]
    fn streams_are_found_in_what_the_engine_answers() {
        let engine = engine(|_| {});
        let looks = look::nginx(
            "<application><name>live</name><stream><name>k7wq2mnd_abcdefghjkmn</name><bytes_in>5</bytes_in><publishing/></stream></application>",
        );
        let now = Duration::from_secs(1);
        assert!(engine.looked("k7wq2mnd_abcdefghjkmn", &seat(), &looks, now) && engine.flows("k7wq2mnd_abcdefghjkmn", now));
        assert_eq!(engine.place(&seat()), ("live".to_owned(), "k7wq2mnd_abcdefghjkmn".to_owned()));
        engine.forget("k7wq2mnd_abcdefghjkmn");
        assert!(!engine.flows("k7wq2mnd_abcdefghjkmn", now));
    }

    #[test]
    fn this_server_is_no_engine_and_faults_are_told() {
        assert!(Engine::new(&Config::default()).unwrap().is_none());
        assert!(!Engine::new(&Config { kind: Kind::Srs, ..Config::default() }).unwrap_err().is_empty());
    }
}
