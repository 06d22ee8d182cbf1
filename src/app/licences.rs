//! Whose work the program is made of: [`crate::LICENCES`] taken apart, so that it can be searched and shown.

/// A library, a font or the like.
#[derive(Debug)]
pub struct Part {
    /// Its name and version.
    pub name: &'static str,
    /// Its licence, as an SPDX expression.
    pub licence: &'static str,
    /// Whose it is.
    pub notices: Vec<&'static str>,
    /// Which texts it came with, by their places in the list.
    texts: Vec<usize>,
}

/// The text of a licence.
#[derive(Debug)]
struct Text {
    name: &'static str,
    lines: Vec<&'static str>,
}

/// All of it.
#[derive(Debug)]
pub struct Licences {
    /// Everything that the program is made of, by name.
    pub parts: Vec<Part>,
    texts: Vec<Text>,
}

impl Licences {
    /// Reads what `cargo xtask licences` wrote: what begins a line is a heading of fields with ` | ` between them, what is indented
    /// belongs to it.
    pub fn read(text: &'static str) -> Self {
        let (parts, texts) = text.split_once("== TEXTS ==").unwrap_or((text, ""));
        let mut read = Self { parts: Vec::new(), texts: Vec::new() };
        for line in parts.lines().skip_while(|line| *line != "== PARTS ==") {
            if let Some(notice) = line.strip_prefix("    ") {
                read.parts.last_mut().into_iter().for_each(|part| part.notices.push(notice));
            } else if let [name, licence, numbers] = line.splitn(3, " | ").collect::<Vec<_>>()[..] {
                let texts = numbers.split(' ').filter_map(|number| number.parse::<usize>().ok()?.checked_sub(1));
                read.parts.push(Part { name, licence, notices: Vec::new(), texts: texts.collect() });
            }
        }
        for line in texts.lines() {
            if let Some((_, name)) = line.split_once(" | ").filter(|_| !line.starts_with(' ')) {
                read.texts.push(Text { name, lines: Vec::new() });
            } else if let Some(text) = read.texts.last_mut().filter(|text| !(text.lines.is_empty() && line.is_empty())) {
                text.lines.push(line.strip_prefix("    ").unwrap_or(line));
            }
        }
        read
    }

    /// The places of the parts in whose names, licences or notices this stands.
    pub fn find(&self, what: &str) -> Vec<usize> {
        let what = what.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&what);
        let parts = self.parts.iter().enumerate();
        let found =
            parts.filter(|(_, part)| has(part.name) || has(part.licence) || part.notices.iter().any(|notice| has(notice)));
        found.map(|(place, _)| place).collect()
    }

    /// All that there is to read about a part, line by line.
    pub fn lines(&self, part: &Part) -> Vec<String> {
        let mut lines: Vec<String> = part.notices.iter().map(|notice| (*notice).to_owned()).collect();
        for text in part.texts.iter().filter_map(|place| self.texts.get(*place)) {
            lines.extend([String::new(), format!("—— {} ——", text.name), String::new()]);
            lines.extend(text.lines.iter().map(|line| (*line).to_owned()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_whom_it_is_from_or_a_text_and_no_line_is_lost() {
        let all = Licences::read(crate::LICENCES);
        assert!(all.parts.len() > 400, "{}", all.parts.len());
        for part in &all.parts {
            assert!(!part.notices.is_empty() || !part.texts.is_empty(), "{}", part.name);
            assert!(part.texts.iter().all(|place| *place < all.texts.len()), "{}", part.name);
            assert!(!part.texts.is_empty() || part.name == "Sounds", "{} has no text", part.name);
        }
        let shown = all.parts.iter().map(|part| 1 + part.notices.len()).sum::<usize>();
        let lines = all.texts.iter().map(|text| 1 + text.lines.iter().filter(|line| !line.is_empty()).count()).sum::<usize>();
        let written = crate::LICENCES.lines().skip_while(|line| *line != "== PARTS ==").filter(|line| !line.is_empty()).count();
        assert_eq!(shown + lines + 2, written);
    }

    #[test]
    fn parts_are_found_by_name_licence_and_author() {
        let all = Licences::read(crate::LICENCES);
        let names = |what: &str| all.find(what).iter().map(|place| all.parts[*place].name).collect::<Vec<_>>();
        assert_eq!(names(" X264 (").len(), 1);
        assert!(names("egui").iter().any(|name| name.starts_with("egui 0.")));
        assert!(names("OFL-1.1").contains(&"Inter 4.0 (font)"));
        assert!(names("videolan").contains(&"x264 (libx264)"));
        assert_eq!((names("").len(), names("no such thing").len()), (all.parts.len(), 0));
    }

    #[test]
    fn who_wrote_it_is_read_before_the_text() {
        let text = "Door\n\n== PARTS ==\n\na 1 | MIT | 2 1\n    Copyright Ada\nb | None | \n\n== TEXTS ==\n\n1 | MIT\n\n    Take it.\n\n      And go | now.\n\n2 | NOTICE\n\n    Hear!\n";
        let all = Licences::read(text);
        let lines = all.lines(&all.parts[0]);
        let wanted =
            ["Copyright Ada", "", "—— NOTICE ——", "", "Hear!", "", "—— MIT ——", "", "Take it.", "", "  And go | now.", ""];
        assert_eq!(lines, wanted);
        assert_eq!((all.parts[1].name, all.parts[1].licence, all.lines(&all.parts[1]).len()), ("b", "None", 0));
    }
}
