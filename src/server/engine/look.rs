//! What engines answer when asked which streams flow: nginx's `rtmp_stat` page (XML) and SRS's `/api/v1/streams/` (JSON).

use serde::Deserialize;
use std::collections::HashMap;

/// How it stands with one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Somebody publishes it.
    pub publishing: bool,
    /// Bytes that have come in so far.
    pub bytes: u64,
    /// SRS's name for the publisher's connection.
    pub client: String,
}

/// All streams of an engine, by application and name.
pub type Looks = HashMap<(String, String), Look>;

/// Reads nginx's page; what is not understood is left out.
pub fn nginx(xml: &str) -> Looks {
    let mut looks = Looks::new();
    for application in elements(xml, "application") {
        // The application's name stands before its streams, which have names as well.
        let app = elements(application, "name").next().unwrap_or_default();
        for stream in elements(application, "stream") {
            let text = |name| elements(stream, name).next().unwrap_or_default();
            let look = Look {
                publishing: stream.contains("<publishing/>"),
                bytes: text("bytes_in").parse().unwrap_or_default(),
                client: String::new(),
            };
            looks.insert((app.to_owned(), text("name").to_owned()), look);
        }
    }
    looks
}

/// What stands between `<name>` and `</name>`, again and again. Elements of one name do not contain each other there.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&begin)?;
        let (inside, after) = after.split_once(&end)?;
        rest = after;
        Some(inside)
    })
}

/// Reads SRS's answer.
///
/// # Errors
/// When it is none.
pub fn srs(json: &[u8]) -> Result<Looks, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer {
        streams: Vec<Stream>,
    }
    #[derive(Deserialize)]
    struct Stream {
        name: String,
        app: String,
        #[serde(default)]
        recv_bytes: u64,
        publish: Publish,
    }
    #[derive(Deserialize)]
    struct Publish {
        active: bool,
        #[serde(default)]
        cid: String,
    }
    let answer: Answer = serde_json::from_slice(json)?;
    let look = |s: Stream| ((s.app, s.name), Look { publishing: s.publish.active, bytes: s.recv_bytes, client: s.publish.cid });
    Ok(answer.streams.into_iter().map(look).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nginx-rtmp 1.2.2 writes it.
    #[test]
    fn nginxs_page_is_read() {
        let page = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\r\n<rtmp>\r\n<nginx_version>1.22.1</nginx_version>\r\n<bytes_in>99</bytes_in>\
            <server>\r\n<application>\r\n<name>live</name>\r\n<live>\r\n<stream>\r\n<name>room_ann</name>\r\n<time>1200</time><bw_in>0</bw_in>\r\n\
            <bytes_in>4711</bytes_in>\r\n<client><id>1</id><publishing/><active/></client>\r\n<nclients>1</nclients>\r\n<publishing/>\r\n</stream>\r\n\
            <stream>\r\n<name>room_ben</name>\r\n<bytes_in>0</bytes_in>\r\n<client><id>2</id></client>\r\n</stream>\r\n</live>\r\n</application>\r\n\
            <application>\r\n<name>other</name>\r\n<live>\r\n<nclients>0</nclients>\r\n</live>\r\n</application>\r\n</server>\r\n</rtmp>\r\n";
        let looks = nginx(page);
        assert_eq!(looks.len(), 2);
        let of = |name: &str| looks[&("live".to_owned(), name.to_owned())].clone();
        assert_eq!(of("room_ann"), Look { publishing: true, bytes: 4711, client: String::new() });
        assert!(!of("room_ben").publishing, "somebody waits for it");
        for rubbish in ["", "<application>", "<application><name>x</application>", "<html>404</html>"] {
            assert!(nginx(rubbish).is_empty());
        }
    }

    /// As SRS writes it (`SrsStatisticStream::dumps`).
    #[test]
    fn srss_answer_is_read() {
        let json = br#"{"code":0,"server":"vid-1","service":"s","pid":"1","streams":[{"id":"vid-2","name":"room_ann","vhost":"vid-3","app":"live",
            "tcUrl":"rtmp://h/live","url":"/live/room_ann","live_ms":1,"clients":1,"frames":3,"send_bytes":0,"recv_bytes":815,
            "kbps":{"recv_30s":0,"send_30s":0},"publish":{"active":true,"cid":"341w361a"},"video":null,"audio":null},
            {"id":"vid-4","name":"room_ben","vhost":"vid-3","app":"live","publish":{"active":false}}]}"#;
        let looks = srs(json).unwrap();
        let of = |name: &str| looks[&("live".to_owned(), name.to_owned())].clone();
        assert_eq!(of("room_ann"), Look { publishing: true, bytes: 815, client: "341w361a".into() });
        assert!(!of("room_ben").publishing);
        assert!(srs(b"{\"code\":1061}").is_err());
    }
}
