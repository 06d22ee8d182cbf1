//! Addresses with places to fill in: `rtmp://{host}/live/{stream}`.

use crate::proto::{MemberId, RoomId};
use crate::server::room::id;
use crate::server::token::Holder;

/// An address in pieces.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// Scheme and host.
    front: Vec<Part>,
    /// The path up to the stream's name: the application.
    app: Vec<Part>,
    /// The stream's name.
    name: Vec<Part>,
    /// With its `?`, or empty.
    query: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Host,
    Room,
    Member,
    Stream,
}

/// An address for one person and one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// The whole address.
    pub url: String,
    /// The stream's name on the engine.
    pub name: String,
    /// `/app/name`.
    pub path: String,
}

impl Template {
    /// Takes an address apart.
    ///
    /// # Errors
    /// The end of a sentence that begins with the setting's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (address, query) = text.find('?').map_or((text, ""), |at| text.split_at(at));
        let scheme = ["rtmp://", "rtmps://"].into_iter().find(|scheme| address.starts_with(scheme));
        let scheme = scheme.ok_or_else(|| "must begin with rtmp:// or rtmps://".to_owned())?;
        let pieces = address[scheme.len()..].split_once('/').and_then(|(host, path)| Some((host, path.rsplit_once('/')?)));
        let (host, (app, name)) =
            pieces.ok_or_else(|| "must have an application and a stream's name, as in rtmp://{host}/live/{stream}".to_owned())?;
        let mut front = vec![Part::Text(scheme.to_owned())];
        front.extend(parts(host)?);
        let template = Self { front, app: parts(app)?, name: parts(name)?, query: parts(query)? };
        let whole =
            |parts: &[Part]| parts.contains(&Part::Stream) || (parts.contains(&Part::Room) && parts.contains(&Part::Member));
        if !whole(&template.name) || template.name.contains(&Part::Host) {
            return Err("must name the stream with {stream}, or with {room} and {member}, in its last part".to_owned());
        }
        let sample = template.fill("host", &Holder { room: RoomId::new("room"), member: MemberId::new("member") });
        let valid = !text.contains(char::is_whitespace) && url::Url::parse(&sample.url).is_ok_and(|url| url.has_host());
        if valid { Ok(template) } else { Err(format!("makes no valid address: {}", sample.url)) }
    }

    /// The address of a seat's stream, for whoever reached this server as `host`.
    pub(super) fn fill(&self, host: &str, holder: &Holder) -> Filled {
        let fill = |parts: &[Part]| fill(parts, host, holder);
        let (name, query) = (fill(&self.name), fill(&self.query));
        let path = format!("/{}/{name}", fill(&self.app));
        Filled { url: format!("{}{path}{query}", fill(&self.front)), name, path }
    }

    /// Whose stream that is on the engine; `None` if no address of this template leads there.
    pub(super) fn read(&self, app: &str, name: &str) -> Option<Holder> {
        let (mut room, mut member, mut rest) = (None, None, name);
        for part in &self.name {
            let mut take = |place: &mut Option<String>, chars: usize| {
                let (taken, after) = rest.split_at_checked(chars)?;
                rest = after;
                // Twice in one name is fine if it is the same twice.
                (place.get_or_insert_with(|| taken.to_owned()) == taken).then_some(())
            };
            match part {
                Part::Room => take(&mut room, id::ROOM_CHARS)?,
                Part::Member => take(&mut member, id::MEMBER_CHARS)?,
                Part::Stream => {
                    take(&mut room, id::ROOM_CHARS)?;
                    take(&mut Some("_".to_owned()), 1)?;
                    take(&mut member, id::MEMBER_CHARS)?;
                }
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Host => return None,
            }
        }
        let (room, member) = (room.filter(|room| id::is_room_id(room))?, member?);
        let holder = Holder { room: RoomId::new(room), member: MemberId::new(member) };
        // The host that they came by is not known here: it stands for anything.
        let same_app = self.app.contains(&Part::Host) || fill(&self.app, "", &holder) == app.trim_matches('/');
        (rest.is_empty() && same_app).then_some(holder)
    }
}

fn fill(parts: &[Part], host: &str, holder: &Holder) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Host => out.push_str(host),
            Part::Room => out.push_str(holder.room.as_str()),
            Part::Member => out.push_str(holder.member.as_str()),
            Part::Stream => out.push_str(&id::stream_name(&holder.room, &holder.member)),
        }
    }
    out
}

fn parts(mut text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    while let Some((before, rest)) = text.split_once('{') {
        let (name, after) = rest.split_once('}').ok_or_else(|| "has a { without its }".to_owned())?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(match name {
            "host" => Part::Host,
            "room" => Part::Room,
            "member" => Part::Member,
            "stream" => Part::Stream,
            other => return Err(format!("contains {{{other}}}; there are {{host}}, {{room}}, {{member}} and {{stream}}")),
        });
        text = after;
    }
    if text.contains('}') {
        return Err("has a } without its {".to_owned());
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder { room: RoomId::new("k7wq2mnd"), member: MemberId::new("abcdefghjkmn") }
    }

    #[test]
    fn addresses_are_filled_in_and_read_back() {
        for (template, url, app, name) in [
            ("rtmp://{host}/live/{stream}", "rtmp://h/live/k7wq2mnd_abcdefghjkmn", "live", "k7wq2mnd_abcdefghjkmn"),
            (
                "rtmps://cdn.example:443/app/x/{room}-{member}",
                "rtmps://cdn.example:443/app/x/k7wq2mnd-abcdefghjkmn",
                "app/x",
                "k7wq2mnd-abcdefghjkmn",
            ),
            (
                "rtmp://{room}.h/{room}/p_{member}{room}?v={host}",
                "rtmp://k7wq2mnd.h/k7wq2mnd/p_abcdefghjkmnk7wq2mnd?v=h",
                "k7wq2mnd",
                "p_abcdefghjkmnk7wq2mnd",
            ),
        ] {
            let template = Template::parse(template).unwrap();
            let filled = template.fill("h", &holder());
            assert_eq!(filled, Filled { url: url.into(), name: name.into(), path: format!("/{app}/{name}") });
            assert_eq!(template.read(app, name), Some(holder()));
            assert_eq!(template.read(&format!("{app}/"), name), Some(holder()));
            assert_eq!(template.read("other", name), None);
        }
    }

    #[test]
    fn names_that_no_address_leads_to_are_nobodys() {
        let template = Template::parse("rtmp://{host}/live/{stream}").unwrap();
        for name in [
            "",
            "k7wq2mnd",
            "k7wq2mnd_abcdefghjkm",
            "k7wq2mnd_abcdefghjkmnx",
            "k7wq2mndxabcdefghjkmn",
            "K7WQ2MND_abcdefghjkmn",
            "k7wq2mn周_abcdefghjkmn",
        ] {
            assert_eq!(template.read("live", name), None, "{name}");
        }
        let twice = Template::parse("rtmp://h/live/{room}{room}{member}").unwrap();
        assert_eq!(twice.read("live", "k7wq2mndk7wq2mndabcdefghjkmn"), Some(holder()));
        assert_eq!(twice.read("live", "k7wq2mndk7wq2mneabcdefghjkmn"), None);
    }

    #[test]
    fn what_makes_no_address_says_why() {
        for (text, why) in [
            ("", "must begin with rtmp://"),
            ("http://h/live/{stream}", "must begin with rtmp://"),
            ("rtmp://h/{stream}", "must have an application"),
            ("rtmp://h/live/{room}", "must name the stream"),
            ("rtmp://h/{stream}/x", "must name the stream"),
            ("rtmp://h/live/{stream}{host}", "must name the stream"),
            ("rtmp://h/live/{user}", "contains {user}; there are {host}"),
            ("rtmp://h/live/{stream", "has a { without its }"),
            ("rtmp://h/live}/{stream}", "has a } without its {"),
            ("rtmp:///live/{stream}", "makes no valid address"),
            ("rtmp://a b/live/{stream}", "makes no valid address"),
        ] {
            let fault = Template::parse(text).unwrap_err();
            assert!(fault.starts_with(why), "{text}: {fault}");
        }
    }
}
