//! Texts of licences: what they are, and the part that differs from one author to the next.

/// Columns after which a line is broken.
const WIDTH: usize = 80;

/// Characters of the Apache licence's appendix, at most: more is something else that follows.
const APPENDIX: usize = 1400;
/// Characters of a text that is the MIT licence and nothing more.
const MIT: usize = 1800;

/// A file with a licence, taken apart: the same terms by a hundred authors are one body and a hundred notices.
#[derive(Debug, PartialEq)]
pub struct Taken {
    /// Who says to have which rights.
    pub notices: Vec<String>,
    /// Everything else.
    pub body: String,
}

/// Takes a file apart.
pub fn take(raw: &str) -> Taken {
    let raw = raw.replace('\u{feff}', "").replace(['\r', '\u{c}'], "\n").replace('\t', "        ");
    let raw = raw.replace(['\u{201c}', '\u{201d}'], "\"").replace(['\u{2018}', '\u{2019}'], "'");
    let (mut notices, mut lines) = (Vec::new(), Vec::new());
    let mut after_notice = false;
    for line in raw.lines() {
        // Some are taken out of a source file.
        let line = line.strip_prefix("//").unwrap_or(line);
        let bare = line.trim().trim_end_matches("<br>").trim();
        let rest = after_notice && bare.to_lowercase().starts_with("all rights reserved");
        after_notice = is_notice(bare);
        if after_notice {
            notices.push(bare.to_owned());
        } else if !rest && !is_title(bare) {
            lines.push(line.trim_end());
        }
    }
    let mut body = String::new();
    for line in lines {
        if line.is_empty() && (body.is_empty() || body.ends_with("\n\n")) {
            continue;
        }
        wrap(line, &mut body);
    }
    body.truncate(body.trim_end().len());
    Taken { notices, body }
}

/// What two bodies have in common if they say the same: their words.
pub fn key(body: &str) -> String {
    let words = body.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ").to_lowercase();
    // Some leave away what only says how to use the Apache licence for works of one's own, or fill in its example.
    match text.split_once(" end of terms and conditions appendix how to apply the apache license") {
        Some((terms, rest)) if rest.len() < APPENDIX => terms.to_owned(),
        _ => text.strip_suffix(" end of terms and conditions").unwrap_or(&text).to_owned(),
    }
}

/// `Copyright (c) 2020 Ada`, but not `COPYRIGHT HOLDERS BE LIABLE` or `Copyright [yyyy] [name of copyright owner]`.
fn is_notice(line: &str) -> bool {
    let lower = line.to_lowercase();
    let year = line.as_bytes().windows(4).any(|four| four.iter().all(u8::is_ascii_digit));
    let signed = year || lower.contains("(c)") || line.contains('©');
    let starts = ["copyright", "portions copyright", "©"].iter().any(|start| lower.starts_with(start)) && signed;
    // A lone (c) may be the third of several conditions.
    (starts || lower.starts_with("(c) ") && year) && line.len() < 200
}

/// A title that says only what the text is called.
fn is_title(line: &str) -> bool {
    let line = line.trim_matches(['#', '*', '=', '-', ' ', ':']).to_lowercase();
    ["mit license", "the mit license", "the mit license (mit)", "mit license (mit)", "bsd 3-clause license"]
        .contains(&line.as_str())
}

fn wrap(line: &str, to: &mut String) {
    let indent = line.len() - line.trim_start().len();
    let mut column = 0;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            to.push('\n');
            column = 0;
        }
        let gap = if column == 0 { indent.min(WIDTH / 2) } else { 1 };
        to.extend(std::iter::repeat_n(' ', gap));
        to.push_str(word);
        column += gap + length;
    }
    to.push('\n');
}

/// Which licence a text is, as far as its words tell; SPDX's name.
pub fn identify(body: &str) -> Option<&'static str> {
    let text = key(body);
    let has = |words: &str| text.contains(words);
    let forms = [
        ("gnu general public license version 2", "GPL-2.0-or-later"),
        ("gnu general public license version 3", "GPL-3.0-or-later"),
        ("sil open font license", "OFL-1.1"),
        ("ubuntu font licence", "Ubuntu-font-1.0"),
        ("boost software license", "BSL-1.0"),
        ("unicode license v3", "Unicode-3.0"),
        ("do what the fuck you want", "WTFPL"),
        ("this is free and unencumbered software", "Unlicense"),
        ("altered source versions must be plainly marked", "Zlib"),
    ];
    let mut found: Vec<&'static str> = forms.iter().filter(|(words, _)| has(words)).map(|(_, id)| *id).collect();
    if has("apache license") && has("2 grant of copyright license") {
        found.push(if has("llvm exceptions") { "Apache-2.0 WITH LLVM-exception" } else { "Apache-2.0" });
    }
    if has("permission is hereby granted free of charge to any person obtaining a copy of this software and associated") {
        found.push("MIT");
    }
    if has("redistribution and use in source and binary forms") {
        found.push(if has("neither the name") { "BSD-3-Clause" } else { "BSD-2-Clause" });
    }
    if has("permission to use copy modify and") {
        found.push(if has("above copyright notice") { "ISC" } else { "0BSD" });
    }
    // A file with several is none of them.
    match found[..] {
        // This one names others.
        _ if has("mozilla public license version 2 0") => Some("MPL-2.0"),
        ["MIT"] if text.len() > MIT => None,
        [one] => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_terms_of_two_authors_are_one_body() {
        let terms =
            "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated\nfiles";
        let one = take(&format!("The MIT License (MIT)\r\n\r\nCopyright (c) 2020 Ada\nAll rights reserved.\n\n{terms}\n"));
        let two = take(&format!("Copyright © Bob <bob@example.org>\n{}\n", terms.replace('\n', " ")));
        assert_eq!(
            (one.notices, two.notices),
            (vec!["Copyright (c) 2020 Ada".into()], vec!["Copyright © Bob <bob@example.org>".into()])
        );
        assert_eq!(key(&one.body), key(&two.body));
        assert_eq!(identify(&one.body), Some("MIT"));
        assert!(two.body.lines().all(|line| line.len() <= WIDTH), "{}", two.body);
    }

    #[test]
    fn what_only_looks_like_a_notice_stays_in_the_text() {
        for line in [
            "COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM",
            "Copyright [yyyy] [name of copyright owner]",
            "2. Grant of Copyright License.",
            "(c) You must retain all notices",
        ] {
            assert_eq!(take(line), Taken { notices: vec![], body: line.into() });
        }
    }

    #[test]
    fn own_texts_are_identified() {
        for (file, id) in [
            ("LICENSE-MIT", "MIT"),
            ("LICENSE-APACHE", "Apache-2.0"),
            ("assets/licences/GPL-2.0.txt", "GPL-2.0-or-later"),
            ("assets/licences/GPL-3.0.txt", "GPL-3.0-or-later"),
        ] {
            let raw = std::fs::read_to_string(crate::command::root().join(file)).unwrap();
            assert_eq!(identify(&take(&raw).body), Some(id), "{file}");
        }
    }
}
