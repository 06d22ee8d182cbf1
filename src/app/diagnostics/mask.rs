//! Takes secrets out of text: tokens and keys in addresses and in JSON, and the rooms of invites.

/// What stands where a secret was.
pub const HIDDEN: &str = "(hidden)";

/// Names whose value is nobody's business, as they stand in addresses and in JSON.
const SECRETS: [&str; 12] = [
    "token",
    "access_key",
    "password",
    "secret",
    "txsecret",
    "receipt",
    "identity_key",
    "authorization",
    "sign",
    "signature",
    "key",
    "k",
];

/// Schemes of invites: whoever knows the whole link may enter.
const LINKS: [&str; 2] = ["parlor://", "rtmp"];

/// `text` without what is secret.
pub fn mask(text: &str) -> String {
    text.lines().map(mask_line).collect::<Vec<_>>().join("\n")
}

fn mask_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let begins = !out.chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_');
        if begins && let Some((shown, after)) = secret(rest).or_else(|| link(rest)).or_else(|| login(rest)) {
            out.push_str(shown);
            out.push_str(HIDDEN);
            rest = after;
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// `name=value`, `name: value` or `"name": "value"` with one of the names, at the beginning of `text`: what stays, and what follows the value.
fn secret(text: &str) -> Option<(&str, &str)> {
    let name_len = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if !SECRETS.iter().any(|name| text[..name_len].eq_ignore_ascii_case(name)) {
        return None;
    }
    let after = text[name_len..].trim_start_matches('"').trim_start();
    let value = after.strip_prefix(['=', ':'])?.trim_start();
    let (quoted, value) = value.strip_prefix('"').map_or((false, value), |value| (true, value));
    // An empty one, or none, hides nothing.
    let ends = |c: char| if quoted { c == '"' } else { c.is_whitespace() || "&\"',;)}]#".contains(c) };
    let end = value.find(ends).unwrap_or(value.len());
    let value_at = text.len() - value.len();
    (end > 0 && value != "null").then(|| (&text[..value_at], &value[end..]))
}

/// An address of ours at the beginning of `text`: server and application stay, room or stream does not.
fn link(text: &str) -> Option<(&str, &str)> {
    if !LINKS.iter().any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))) {
        return None;
    }
    let host = text.find("://")? + 3;
    if text[..host].contains(char::is_whitespace) {
        return None;
    }
    let end = text.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(text.len());
    let slash = host + text.get(host..end)?.find('/')?;
    let last = text[..end].split('?').next()?.rfind('/')?;
    let keep = slash.max(last) + 1;
    (keep < end).then(|| (&text[..keep], &text[end..]))
}

/// `name:password@` at the beginning of `text`, as it stands in addresses: what follows the password.
fn login(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || "\"'/<>".contains(c)).unwrap_or(text.len());
    let at = text[..end].rfind('@')?;
    text[..at].contains(':').then(|| (&text[..0], &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        for (text, masked) in [
            ("GET /v1/rooms?token=abc&limit=5", "GET /v1/rooms?token=(hidden)&limit=5"),
            (r#""access_key": "a b","name": "Ada""#, r#""access_key": "(hidden)","name": "Ada""#),
            (r#"{"password":"x"}"#, r#"{"password":"(hidden)"}"#),
            ("password: hunter2, next", "password: (hidden), next"),
            ("no key here: monkey=1", "no key here: monkey=1"),
            (r#""access_key": """#, r#""access_key": """#),
            ("entering parlor://host:1935/k7wq2mnd#pin=AAA now", "entering parlor://host:1935/(hidden) now"),
            ("rtmp://host/live/room-me?token=1 ok", "rtmp://host/live/(hidden) ok"),
            ("rtmps://host:443/live/x", "rtmps://host:443/live/(hidden)"),
            ("serving at parlor://127.0.0.1:1935", "serving at parlor://127.0.0.1:1935"),
            ("txSecret=aa&txTime=5", "txSecret=(hidden)&txTime=5"),
            ("周会 token=秘密", "周会 token=(hidden)"),
            (r#""proxy_address": "http://ada:geheim@proxy:80""#, r#""proxy_address": "http://(hidden)@proxy:80""#),
            (r#""ada:geheim@proxy:80""#, r#""(hidden)@proxy:80""#),
            ("mail to ada@example.org: no secret", "mail to ada@example.org: no secret"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    proptest! {
        #[test]
        fn a_token_never_gets_through(before in "[ -~]{0,20}[ ?&\"(]", secret in "[a-zA-Z0-9]{8,20}", after in "[ -~]{0,20}") {
            let text = format!("{before}token={secret} {after}");
            prop_assume!(!before.contains(&secret) && !after.contains(&secret));
            prop_assert!(!mask(&text).contains(&secret), "{}", mask(&text));
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC{0,80}", link in "(rtmp|parlor)(s)?(://)?[a-z/?#\"周= ]{0,30}") {
            mask(&text);
            mask(&link);
        }
    }
}
