//! Links in a line of chat: found in what was typed, so that they can be opened. Pure.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// An address that a browser opens.
    Link(&'a str),
}

/// What a link begins with. Nothing else: a click must not start programs.
const SCHEMES: [&str; 2] = ["https://", "http://"];
/// What stands behind a link and does not belong to it.
const AFTER: &[char] = &['.', ',', ';', ':', '!', '?', '\'', '"', '”', '’', '»'];
/// Brackets, which belong to a link that has opened them.
const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// `text` in pieces, in order; all of them together are `text`.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((start, length)) = first(rest) {
        let (before, link) = rest.split_at(start);
        let (link, after) = link.split_at(length);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Link(link));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Where the first link is, and how many bytes it has.
fn first(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let (start, scheme) =
            SCHEMES.iter().filter_map(|scheme| Some((find(&text[from..], scheme)? + from, scheme.len()))).min()?;
        let length = length(&text[start..]);
        let stands_alone = !text[..start].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        if length > scheme && stands_alone {
            return Some((start, length));
        }
        from = start + scheme;
    }
}

/// Where `word`, which is ASCII, is in `text`, whatever its case.
fn find(text: &str, word: &str) -> Option<usize> {
    text.as_bytes().windows(word.len()).position(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Bytes of the link at the beginning of `text`.
fn length(text: &str) -> usize {
    // Addresses have no blanks, and what Chinese puts around them is not ASCII.
    let end = text.find(|c: char| c.is_whitespace() || c.is_control() || "<>`，。；：！？、（）【】《》「」“”".contains(c));
    let mut link = &text[..end.unwrap_or(text.len())];
    while let Some(last) = link.chars().next_back() {
        let opened = |(open, close): &(char, char)| *close == last && link.matches(*close).count() > link.matches(*open).count();
        if !AFTER.contains(&last) && !BRACKETS.iter().any(opened) {
            break;
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    link.len()
}

#[cfg(test)]
mod tests {
    use super::Piece::{Link, Text};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_are_found_in_what_people_write() {
        let cases: [(&str, &[Piece<'_>]); 10] = [
            ("no link", &[Text("no link")]),
            ("https://a.example/x?y=1#z", &[Link("https://a.example/x?y=1#z")]),
            ("see http://a.example.", &[Text("see "), Link("http://a.example"), Text(".")]),
            ("(https://a.example/b_(c))", &[Text("("), Link("https://a.example/b_(c)"), Text(")")]),
            ("看https://a.example/页面，好吗", &[Text("看"), Link("https://a.example/页面"), Text("，好吗")]),
            ("HTTPS://A.example\nhttp://b", &[Link("HTTPS://A.example"), Text("\n"), Link("http://b")]),
            ("https:// and http://!", &[Text("https:// and http://!")]),
            ("xhttp://a", &[Text("xhttp://a")]),
            ("file:///etc/passwd javascript:x", &[Text("file:///etc/passwd javascript:x")]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_added(text in "(http://|https://|[a-z(). ，。😀]|\\PC){0,40}") {
            let all: String = pieces(&text).into_iter().map(|piece| match piece { Text(part) | Link(part) => part }).collect();
            prop_assert_eq!(all, text);
        }
    }
}
