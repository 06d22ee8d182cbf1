//! What an operator says about the engine, and whether it makes sense.

use super::sign;
use super::template::Template;
use crate::base::Secret;
use crate::base::settings::{choices, settings};
use std::net::IpAddr;

choices! {
    /// What relays the streams.
    pub enum Kind, "own, nginx, srs or other" {
        /// This server.
        Own = "own",
        /// nginx with its RTMP module.
        Nginx = "nginx",
        /// SRS.
        Srs = "srs",
        /// Any other RTMP engine, or a CDN.
        Other = "other",
    }
}

choices! {
    /// How addresses are signed.
    pub enum Scheme, "token, tx, secure_link or none" {
        /// With this server's tokens, which it checks itself when the engine asks.
        Token = "token",
        /// `txSecret` and `txTime`: MD5 of key, stream's name and expiry.
        Tx = "tx",
        /// nginx's `secure_link`: MD5 of an expression.
        SecureLink = "secure_link",
        /// Not at all.
        None = "none",
    }
}

choices! {
    /// How sound is coded.
    pub enum Audio, "aac or opus" {
        /// What every engine knows.
        Aac = "aac",
        /// Earlier, and for our own programs only.
        Opus = "opus",
    }
}

choices! {
    /// Who says that a stream flows.
    pub enum Presence, "hooks or clients" {
        /// The engine, by its callbacks.
        Hooks = "hooks",
        /// The people's programs: for engines without callbacks.
        Clients = "clients",
    }
}

settings! {
    /// Streams on somebody else's RTMP engine.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// What relays the streams: own (this server), nginx (with its RTMP module), srs, or other (any RTMP engine, a CDN).
        pub kind: Kind = Kind::Own, restart;
        /// Where people push, such as rtmp://{host}/live/{stream}. {host} is the server as they wrote it, {stream} is {room}_{member}.
        pub push: Option<String> = None, restart;
        /// Where people play; otherwise where they push.
        pub play: Option<String> = None, restart;
        /// How addresses are signed: token (ours, checked by the hooks), tx (txSecret and txTime), secure_link (as nginx checks it), or none.
        pub sign: Scheme = Scheme::Token, restart;
        /// Key that signs where people push (tx, secure_link).
        pub push_key: Option<Secret> = None, restart;
        /// Key that signs where people play, another one; otherwise those addresses carry no signature.
        pub play_key: Option<Secret> = None, restart;
        /// What secure_link's MD5 is made of, as nginx writes it; $key is the key, $uri the path of the address.
        pub expression: String = sign::EXPRESSION.to_owned(), restart;
        /// How sound is coded for this engine: aac, which every player knows, or opus, which is 45 ms earlier and for our own only.
        pub audio: Audio = Audio::Aac, restart;
        /// Milliseconds between two key frames of a stream, and two headers of its sound: the engine cannot ask for one.
        pub repeat_ms: u32 = 2_000 => 500..=30_000, restart;
        /// Who says that a stream flows: hooks (the engine's callbacks) or clients (people's programs, where the engine has no callbacks).
        pub presence: Presence = Presence::Hooks, restart;
        /// Addresses that hooks may come from; otherwise from this computer only, or, with engine.hooks_key, from anywhere.
        pub hooks_from: Vec<IpAddr> = Vec::new(), restart;
        /// What hooks have to carry as ?key= in their address.
        pub hooks_key: Option<Secret> = None, restart;
        /// Where the engine tells which streams flow: nginx's rtmp_stat page, or SRS's /api/v1/streams/.
        pub stat: Option<Secret> = None, restart;
        /// Where a stream can be ended: nginx's rtmp_control, or SRS's /api/v1/clients/. Without it, streams of people who were removed go on
        /// until they stop or their address expires.
        pub control: Option<Secret> = None, restart;
    }
}

impl Config {
    /// What is wrong with it: a sentence each, which names the key.
    pub fn faults(&self) -> Vec<String> {
        if self.kind == Kind::Own {
            return Vec::new();
        }
        let mut wrong = Vec::new();
        match &self.push {
            None => wrong.push("`engine.push` must say where people push, such as rtmp://{host}/live/{stream}".to_owned()),
            Some(push) => wrong.extend(Template::parse(push).err().map(|why| format!("`engine.push` {why}"))),
        }
        if let Some(Err(why)) = self.play.as_deref().map(Template::parse) {
            wrong.push(format!("`engine.play` {why}"));
        }
        if matches!(self.sign, Scheme::Tx | Scheme::SecureLink) {
            if self.push_key.is_none() {
                wrong.push(format!(
                    "`engine.push_key` must be set: `engine.sign` is {}",
                    crate::base::settings::Word::show(&self.sign)
                ));
            }
            if self.push_key.is_some() && self.push_key == self.play_key {
                let why = "whoever may play could publish with the same signature";
                wrong.push(format!("`engine.play_key` must be another key than `engine.push_key`: {why}"));
            }
        }
        if self.sign == Scheme::SecureLink
            && let Err(why) = sign::check_expression(&self.expression)
        {
            wrong.push(format!("`engine.expression` {why}"));
        }
        if self.kind == Kind::Other {
            for (key, value) in [("stat", &self.stat), ("control", &self.control)] {
                if value.is_some() {
                    wrong.push(format!("`engine.{key}` is known of nginx and srs only: remove it, or set `engine.kind`"));
                }
            }
        }
        if self.kind == Kind::Srs && self.control.is_some() && self.stat.is_none() {
            wrong.push("`engine.stat` must be set, too: SRS ends connections by a name that it tells there".to_owned());
        }
        for (key, value) in [("stat", &self.stat), ("control", &self.control)] {
            let url = value.as_ref().map(|value| url::Url::parse(value.expose()));
            if url.is_some_and(|url| !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())) {
                wrong.push(format!("`engine.{key}` must be an address such as http://127.0.0.1:8080/{key}"));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nginx() -> Config {
        Config { kind: Kind::Nginx, push: Some("rtmp://{host}/live/{stream}".into()), ..Config::default() }
    }

    #[test]
    fn a_good_configuration_has_no_faults() {
        assert!(Config::default().faults().is_empty());
        assert!(nginx().faults().is_empty(), "{:?}", nginx().faults());
        let key = |text: &str| Some(Secret::new(text));
        let signed = Config { sign: Scheme::Tx, push_key: key("a"), play_key: key("b"), ..nginx() };
        assert!(signed.faults().is_empty());
        let full = Config {
            play: Some("rtmps://edge.example:443/{room}/{room}-x-{member}?a=b".into()),
            stat: key("http://127.0.0.1:8080/stat"),
            control: key("http://127.0.0.1:8080/control"),
            ..nginx()
        };
        assert!(full.faults().is_empty(), "{:?}", full.faults());
    }

    #[test]
    fn each_fault_is_a_sentence_that_names_its_key() {
        let key = |text: &str| Some(Secret::new(text));
        for (config, said) in [
            (Config { push: None, ..nginx() }, "`engine.push` must say where people push"),
            (Config { push: Some("http://h/live/{stream}".into()), ..nginx() }, "`engine.push` must begin with rtmp://"),
            (Config { play: Some("rtmp://h/live/all".into()), ..nginx() }, "`engine.play` must name"),
            (Config { sign: Scheme::Tx, ..nginx() }, "`engine.push_key` must be set: `engine.sign` is tx"),
            (Config { sign: Scheme::Tx, push_key: key("a"), play_key: key("a"), ..nginx() }, "must be another key"),
            (
                Config {
                    sign: Scheme::SecureLink,
                    push_key: key("a"),
                    expression: "$secure_link_expires$uri$remote_addr $key".into(),
                    ..nginx()
                },
                "`engine.expression` contains $remote_addr",
            ),
            (Config { stat: key("127.0.0.1/stat"), ..nginx() }, "`engine.stat` must be an address"),
            (Config { kind: Kind::Srs, control: key("http://h/"), ..nginx() }, "`engine.stat` must be set, too"),
            (Config { kind: Kind::Other, control: key("http://h/"), ..nginx() }, "`engine.control` is known of"),
        ] {
            let faults = config.faults();
            assert!(faults.len() == 1 && faults[0].contains(said), "{said}: {faults:?}");
        }
    }
}
