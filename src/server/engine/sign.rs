//! The signatures that engines and CDNs ask of addresses. Pure: keys and times in, query strings out, and the check of what comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};
use std::time::Duration;

/// What `secure_link`'s MD5 is made of, unless told otherwise.
pub(super) const EXPRESSION: &str = "$secure_link_expires$uri $key";

/// A query's names and values.
pub(super) type Args = [(String, String)];

/// `txSecret` and `txTime`, as "hotlink protection" of Tencent Cloud's streaming service defines them: MD5 of key, stream's name and the
/// expiry in hexadecimal.
pub(super) fn tx(key: &str, name: &str, expires: Duration) -> String {
    let time = format!("{:X}", expires.as_secs());
    format!("txSecret={}&txTime={time}", tx_secret(key, name, &time))
}

/// Whether a query carries a `txSecret` that is right and has not expired.
///
/// # Errors
/// A sentence.
pub(super) fn check_tx(key: &str, name: &str, args: &Args, now: Duration) -> Result<(), &'static str> {
    let (secret, time) = (value(args, "txSecret")?, value(args, "txTime")?);
    if !same(&tx_secret(key, name, time), &secret.to_ascii_lowercase()) {
        return Err(WRONG);
    }
    unexpired(u64::from_str_radix(time, 16).ok(), now)
}

fn tx_secret(key: &str, name: &str, time: &str) -> String {
    hex::encode(md5(&format!("{key}{name}{time}")))
}

/// `md5` and `expires`, as nginx's `secure_link $arg_md5,$arg_expires` wants them.
pub(super) fn secure_link(expression: &str, key: &str, uri: &str, expires: Duration) -> String {
    let expires = expires.as_secs().to_string();
    format!("md5={}&expires={expires}", link_digest(expression, key, uri, &expires))
}

/// Whether a query carries an `md5` that is right and has not expired.
///
/// # Errors
/// A sentence.
pub(super) fn check_secure_link(expression: &str, key: &str, uri: &str, args: &Args, now: Duration) -> Result<(), &'static str> {
    let (digest, expires) = (value(args, "md5")?, value(args, "expires")?);
    if !same(&link_digest(expression, key, uri, expires), digest) {
        return Err(WRONG);
    }
    unexpired(expires.parse().ok(), now)
}

/// Whether an expression has only what is known here.
///
/// # Errors
/// The end of a sentence that begins with the setting's name.
pub(super) fn check_expression(expression: &str) -> Result<(), String> {
    let has = |wanted: &[&str]| pieces(expression).any(|piece| matches!(piece, Piece::Variable(name) if wanted.contains(&name)));
    for piece in pieces(expression) {
        if let Piece::Variable(name) = piece
            && !VARIABLES.contains(&name)
        {
            let known = VARIABLES.map(|name| format!("${name}")).join(", ");
            let why = if name == "remote_addr" { " (from which address people reach an engine is not known here)" } else { "" };
            return Err(format!("contains ${name}{why}; there are {known}"));
        }
    }
    for (needed, name, why) in [
        (&["key"][..], "$key", "anybody could sign"),
        (&["uri"], "$uri", "one signature would fit every stream"),
        (&["secure_link_expires", "arg_expires"], "$secure_link_expires", "anybody could move the expiry"),
    ] {
        if !has(needed) {
            return Err(format!("must contain {name}: without it {why}"));
        }
    }
    Ok(())
}

const VARIABLES: [&str; 4] = ["secure_link_expires", "arg_expires", "uri", "key"];
const WRONG: &str = "the address is signed wrongly";

fn link_digest(expression: &str, key: &str, uri: &str, expires: &str) -> String {
    let text: String = pieces(expression)
        .map(|piece| match piece {
            Piece::Variable("secure_link_expires" | "arg_expires") => expires,
            Piece::Variable("uri") => uri,
            Piece::Variable("key") => key,
            Piece::Variable(_) => "",
            Piece::Text(text) => text,
        })
        .collect();
    URL_SAFE_NO_PAD.encode(md5(&text))
}

enum Piece<'a> {
    /// `$name` or `${name}`.
    Variable(&'a str),
    Text(&'a str),
}

fn pieces(expression: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = expression;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(variable) = rest.strip_prefix('$') else {
            let (text, after) = rest.split_at(rest.find('$').unwrap_or(rest.len()));
            rest = after;
            return Some(Piece::Text(text));
        };
        let (name, after) = match variable.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(pair) => pair,
            None => variable.split_at(variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(variable.len())),
        };
        rest = after;
        Some(Piece::Variable(name))
    })
}

fn md5(text: &str) -> [u8; 16] {
    Md5::digest(text.as_bytes()).into()
}

fn value<'a>(args: &'a Args, name: &str) -> Result<&'a str, &'static str> {
    let found = args.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str()).ok_or("the address is not signed")
}

fn unexpired(expires: Option<u64>, now: Duration) -> Result<(), &'static str> {
    match expires {
        Some(expires) if expires > now.as_secs() => Ok(()),
        Some(_) => Err("the address has expired"),
        None => Err(WRONG),
    }
}

/// Compares in a time that does not depend on where the difference is.
fn same(right: &str, given: &str) -> bool {
    crate::base::Secret::new(right).is(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);
    const LATER: Duration = Duration::from_secs(1_700_000_100);

    fn args(query: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The example of "Hotlink Protection URL Calculation", Tencent Cloud, document 267/31560.
    #[test]
    fn tx_is_that_of_the_public_documentation() {
        let expires = Duration::from_secs(0x5C27_1099);
        assert_eq!(
            tx("e12c46f2612d5106e2034781ab261ca3", "test", expires),
            "txSecret=f85a2ab363fe4deaffef9754d79da6fe&txTime=5C271099"
        );
    }

    /// The example of nginx's documentation of `secure_link_md5`: `echo -n '2147483647/s/link127.0.0.1 secret' | openssl md5 -binary | ...`.
    #[test]
    fn secure_link_is_that_of_the_public_documentation() {
        let expires = Duration::from_secs(2_147_483_647);
        let link = secure_link("$secure_link_expires${uri}127.0.0.1 $key", "secret", "/s/link", expires);
        assert_eq!(link, "md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647");
    }

    #[test]
    fn what_was_signed_passes_until_it_expires_and_nothing_else_does() {
        let signed = args(&tx("key", "a", LATER));
        assert_eq!(check_tx("key", "a", &signed, NOW), Ok(()));
        assert_eq!(check_tx("key", "b", &signed, NOW), Err(WRONG));
        assert_eq!(check_tx("other", "a", &signed, NOW), Err(WRONG));
        assert_eq!(check_tx("key", "a", &signed, LATER), Err("the address has expired"));
        assert_eq!(check_tx("key", "a", &[], NOW), Err("the address is not signed"));
        let moved = args(&tx("key", "a", LATER).replace("txTime=", "txTime=1"));
        assert_eq!(check_tx("key", "a", &moved, NOW), Err(WRONG));

        let check = |key: &str, uri: &str, query: &str, now| check_secure_link(EXPRESSION, key, uri, &args(query), now);
        let signed = secure_link(EXPRESSION, "key", "/live/a", LATER);
        assert_eq!(check("key", "/live/a", &signed, NOW), Ok(()));
        assert_eq!(check("key", "/live/b", &signed, NOW), Err(WRONG));
        assert_eq!(check("other", "/live/a", &signed, NOW), Err(WRONG));
        assert_eq!(check("key", "/live/a", &signed, LATER), Err("the address has expired"));
        assert_eq!(check("key", "/live/a", "md5=x", NOW), Err("the address is not signed"));
        assert_eq!(check("key", "/live/a", &signed.replace("expires=", "expires=9"), NOW), Err(WRONG));
    }

    #[test]
    fn expressions_have_what_keeps_them_safe() {
        for good in [EXPRESSION, "$arg_expires$uri-$key", "$key:$uri:$secure_link_expires"] {
            assert_eq!(check_expression(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("$secure_link_expires$uri$remote_addr $key", "contains $remote_addr"),
            ("$secure_link_expires$uri secret", "must contain $key"),
            ("$secure_link_expires $key", "must contain $uri"),
            ("$uri $key", "must contain $secure_link_expires"),
            ("$ $uri", "contains $;"),
            ("${uri}${nope}", "contains $nope;"),
        ] {
            let fault = check_expression(bad).unwrap_err();
            assert!(fault.starts_with(why), "{bad}: {fault}");
        }
    }

    /// A second opinion: the program that nginx's documentation uses.
    #[test]
    fn e2e_openssl_comes_to_the_same() {
        let openssl = |text: &str, binary: bool| {
            use std::io::Write as _;
            use std::process::{Command, Stdio};
            let mut command = Command::new("openssl");
            command.arg("md5").args(binary.then_some("-binary")).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().expect("the program `openssl` is missing (package openssl)");
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            child.wait_with_output().unwrap().stdout
        };
        let hex = String::from_utf8(openssl("geheimroom_member655E5E64", false)).unwrap();
        let expires = Duration::from_secs(0x655E_5E64);
        assert!(tx("geheim", "room_member", expires).contains(hex.split_whitespace().last().unwrap()));
        let digest = URL_SAFE_NO_PAD.encode(openssl("1700683364/live/room_member geheim", true));
        assert_eq!(secure_link(EXPRESSION, "geheim", "/live/room_member", expires), format!("md5={digest}&expires=1700683364"));
    }
}
