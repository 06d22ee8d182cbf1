//! What engines call back with, in their own words: SRS posts JSON, nginx-rtmp posts a form.
//!
//! nginx puts what stood behind the `?` of a stream's name unescaped at the end of its form, so whoever connects can add fields of any
//! name. A field that says what happened, and to which stream, may therefore be there only once.

use crate::proto::{Code, Problem};
use serde::Deserialize;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// What happens.
    pub what: What,
    /// The application.
    pub app: String,
    /// The stream's name, without its query; empty before there is a stream.
    pub name: String,
    /// The stream's query.
    pub args: Vec<(String, String)>,
    /// The engine's name for the connection.
    pub client: String,
}

/// What happens at the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody wants to publish.
    Publish,
    /// Somebody still publishes.
    Publishing,
    /// Somebody published.
    Published,
    /// Somebody wants to play.
    Play,
    /// Somebody still plays.
    Playing,
    /// A connection comes or goes, or somebody stops playing: nothing is asked and nothing follows.
    Aside,
}

/// Fields of nginx's form that say what happens.
const OWN_FIELDS: [&str; 4] = ["call", "app", "name", "clientid"];
/// Most fields of a form: nginx has a dozen of its own, and an address with more than these is none of ours.
const MAX_FIELDS: usize = 64;

impl Hook {
    /// Reads nginx's form.
    ///
    /// # Errors
    /// [`Code::BadRequest`] with a sentence.
    pub fn nginx(form: &[u8]) -> Result<Self, Problem> {
        let mut own: [Option<String>; OWN_FIELDS.len()] = Default::default();
        let mut args = Vec::new();
        for (count, (key, value)) in url::form_urlencoded::parse(form).enumerate() {
            if count == MAX_FIELDS {
                return Err(bad(format!("the form has more than {MAX_FIELDS} fields")));
            }
            match OWN_FIELDS.iter().position(|own| *own == key) {
                Some(place) if own[place].is_some() => return Err(bad(format!("the form has the field {key:?} twice"))),
                Some(place) => own[place] = Some(value.into_owned()),
                None => args.push((key.into_owned(), value.into_owned())),
            }
        }
        let [call, app, name, client] = own.map(Option::unwrap_or_default);
        let what = match call.as_str() {
            "publish" => What::Publish,
            "update_publish" => What::Publishing,
            "publish_done" => What::Published,
            "play" => What::Play,
            "update_play" => What::Playing,
            "connect" | "disconnect" | "play_done" | "done" | "update" | "record_done" => What::Aside,
            "" => return Err(bad("the form has no field \"call\": this address is for nginx's RTMP module")),
            other => return Err(bad(format!("there is no call {other:?}"))),
        };
        Self { what, app, name, args, client }.whole()
    }

    /// Reads SRS's JSON. Fields that other versions of SRS may have are left alone.
    ///
    /// # Errors
    /// [`Code::BadRequest`] with a sentence.
    pub fn srs(json: &[u8]) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Call {
            action: String,
            #[serde(default)]
            client_id: ClientId,
            #[serde(default)]
            app: String,
            #[serde(default)]
            stream: String,
            #[serde(default)]
            param: String,
        }
        /// A number before SRS 4, text since.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum ClientId {
            Number(u64),
            Text(String),
        }
        impl Default for ClientId {
            fn default() -> Self {
                Self::Text(String::new())
            }
        }
        let call: Call = serde_json::from_slice(json).map_err(|error| bad(format!("the call is not understood: {error}")))?;
        let what = match call.action.as_str() {
            "on_publish" => What::Publish,
            "on_unpublish" => What::Published,
            "on_play" => What::Play,
            "on_connect" | "on_close" | "on_stop" | "on_dvr" | "on_hls" => What::Aside,
            other => return Err(bad(format!("there is no action {other:?}"))),
        };
        let client = match call.client_id {
            ClientId::Number(number) => number.to_string(),
            ClientId::Text(text) => text,
        };
        let query = call.param.trim_start_matches('?');
        let args = url::form_urlencoded::parse(query.as_bytes()).into_owned().take(MAX_FIELDS).collect();
        Self { what, app: call.app, name: call.stream, args, client }.whole()
    }

    /// With what its kind needs.
    fn whole(self) -> Result<Self, Problem> {
        if self.what != What::Aside && (self.app.is_empty() || self.name.is_empty()) {
            return Err(bad("the call names no application or no stream"));
        }
        Ok(self)
    }

    /// A part of the stream's query.
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn bad(why: impl Into<String>) -> Problem {
    Problem::new(Code::BadRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_hook_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in ".{0,200}") {
            let _ = (Hook::nginx(&bytes), Hook::srs(&bytes), Hook::srs(json.as_bytes()), Hook::nginx(json.as_bytes()));
        }
    }

    fn nginx(form: &str) -> Result<Hook, String> {
        Hook::nginx(form.as_bytes()).map_err(|problem| problem.message)
    }

    fn srs(json: &str) -> Result<Hook, String> {
        Hook::srs(json.as_bytes()).map_err(|problem| problem.message)
    }

    /// As nginx-rtmp 1.2.2 sends them.
    #[test]
    fn nginx_is_understood() {
        let session = "app=live&flashver=FMLE%2f3.0%20%28compatible%3b%20Parlor%29&swfurl=&tcurl=rtmp%3a%2f%2f127.0.0.1%3a1935%2flive&pageurl=&addr=127.0.0.1&clientid=17";
        let hook = nginx(&format!("{session}&call=publish&name=k7wq2mnd_abcdefghjkmn&type=live&token=a.b.c.d")).unwrap();
        assert_eq!((hook.what, hook.app.as_str(), hook.name.as_str()), (What::Publish, "live", "k7wq2mnd_abcdefghjkmn"));
        assert_eq!((hook.client.as_str(), hook.arg("token"), hook.arg("addr")), ("17", Some("a.b.c.d"), Some("127.0.0.1")));
        for (call, what) in [
            ("publish_done&name=a", What::Published),
            ("update_publish&time=5&timestamp=40&name=a&token=x", What::Publishing),
            ("play&name=a&start=4294965296&duration=0&reset=0", What::Play),
            ("update_play&time=5&timestamp=40&name=a", What::Playing),
            ("play_done&name=a", What::Aside),
            ("done&name=a", What::Aside),
            ("connect", What::Aside),
            ("disconnect", What::Aside),
        ] {
            assert_eq!(nginx(&format!("{session}&call={call}")).unwrap().what, what, "{call}");
        }
    }

    #[test]
    fn whoever_adds_fields_to_nginxs_form_is_refused() {
        let form = "app=live&clientid=1&call=publish&name=mine&type=live";
        for forged in ["name=other", "call=publish_done", "app=x", "clientid=2"] {
            let fault = nginx(&format!("{form}&token=t&{forged}")).unwrap_err();
            assert!(fault.ends_with("twice"), "{forged}: {fault}");
        }
        assert_eq!(nginx(&format!("{form}{}", "&a=b".repeat(80))).unwrap_err(), "the form has more than 64 fields");
        for (form, fault) in [
            ("", "the form has no field \"call\": this address is for nginx's RTMP module"),
            ("call=explode", "there is no call \"explode\""),
            ("call=publish&app=live", "the call names no application or no stream"),
            ("call=publish&name=a", "the call names no application or no stream"),
        ] {
            assert_eq!(nginx(form).unwrap_err(), fault);
        }
    }

    /// The bodies of SRS's own documentation and of its example configuration.
    #[test]
    fn srs_is_understood() {
        let publish = srs(
            r#"{"server_id":"vid-0xk989d","service_id":"382a6hy1","action":"on_publish","client_id":"341w361a","ip":"127.0.0.1",
                "vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1:1935/live?vhost=__defaultVhost__","stream":"livestream",
                "param":"?token=xxx&salt=yyy","stream_url":"video.test.com/live/livestream","stream_id":"vid-124q9y3"}"#,
        )
        .unwrap();
        assert_eq!((publish.what, publish.app.as_str(), publish.name.as_str()), (What::Publish, "live", "livestream"));
        assert_eq!((publish.client.as_str(), publish.arg("token"), publish.arg("salt")), ("341w361a", Some("xxx"), Some("yyy")));
        for (action, what) in [("on_unpublish", What::Published), ("on_play", What::Play), ("on_stop", What::Aside)] {
            let json = format!(
                r#"{{"action":"{action}","client_id":"9308h583","ip":"192.168.1.10","vhost":"video.test.com","app":"live","stream":"livestream",
                    "param":"?token=xxx&salt=yyy","pageUrl":"http://www.test.com/live.html","server_id":"vid-werty"}}"#
            );
            assert_eq!(srs(&json).unwrap().what, what);
        }
        // SRS 3 and older.
        let connect = srs(
            r#"{"action":"on_connect","client_id":1985,"ip":"192.168.1.10","vhost":"video.test.com","app":"live",
                "tcUrl":"rtmp://video.test.com/live?key=d2fa801d08e3f90ed1e1670e6e52651a","pageUrl":"http://www.test.com/live.html"}"#,
        )
        .unwrap();
        assert_eq!((connect.what, connect.client.as_str()), (What::Aside, "1985"));
        let close = r#"{"action":"on_close","client_id":1985,"ip":"192.168.1.10","vhost":"video.test.com","app":"live","send_bytes":10240,"recv_bytes":10240}"#;
        assert_eq!(srs(close).unwrap().what, What::Aside);
    }

    #[test]
    fn what_is_no_call_of_srs_is_refused_in_words() {
        for (json, fault) in [
            ("", "the call is not understood: EOF"),
            ("[]", "the call is not understood"),
            ("{}", "the call is not understood: missing field `action`"),
            (r#"{"action":"on_publish","app":7}"#, "the call is not understood: invalid type"),
            (r#"{"action":"on_publish","client_id":[]}"#, "the call is not understood"),
            (r#"{"action":"on_fire"}"#, "there is no action \"on_fire\""),
            (r#"{"action":"on_publish","app":"live"}"#, "the call names no application or no stream"),
        ] {
            let said = srs(json).unwrap_err();
            assert!(said.starts_with(fault), "{json}: {said}");
        }
    }
}
