//! What happened in the room, between the lines of chat. It is this program's own word: nobody else can write it. Pure.

use crate::app::i18n::Texts;
use crate::call::snapshot::Line;
use std::collections::VecDeque;

/// Notices that are kept; of more, the oldest are forgotten.
const MOST: usize = 200;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody of this name has come.
    Joined(String),
    /// Somebody of this name has gone.
    Left(String),
    /// The host has muted one's microphone.
    Muted,
    /// The connection is back.
    Back,
}

impl Notice {
    /// In words.
    pub fn text(&self, texts: &Texts) -> String {
        match self {
            Self::Joined(name) => texts.with("toast-joined", &[("name", name.into())]),
            Self::Left(name) => texts.with("toast-left", &[("name", name.into())]),
            Self::Muted => texts.t("toast-muted-by-host"),
            Self::Back => texts.t("toast-reconnected"),
        }
    }
}

/// A line's place: by time first, as the lines themselves are.
type Place = (i64, u64);

fn place(line: &Line) -> Place {
    (line.at_us, line.seq)
}

/// What is shown, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Somebody said something.
    Line(&'a Line),
    /// Something happened.
    Notice(&'a Notice),
}

/// All notices, each behind the line that was the last one when it happened.
#[derive(Debug, Default)]
pub struct Notices(VecDeque<(Option<Place>, Notice)>);

impl Notices {
    /// It has happened after all of these lines.
    pub fn add(&mut self, notice: Notice, lines: &[Line]) {
        let after = lines.last().map(place).max(self.0.back().and_then(|(after, _)| *after));
        self.0.push_back((after, notice));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    /// Lines and notices in order.
    pub fn among<'a>(&'a self, lines: &'a [Line]) -> Vec<Entry<'a>> {
        let mut entries = Vec::with_capacity(lines.len() + self.0.len());
        let mut notices = self.0.iter().peekable();
        for line in lines {
            while let Some((_, notice)) = notices.next_if(|(after, _)| *after < Some(place(line))) {
                entries.push(Entry::Notice(notice));
            }
            entries.push(Entry::Line(line));
        }
        entries.extend(notices.map(|(_, notice)| Entry::Notice(notice)));
        entries
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> Line {
        Line { seq, name: "Ada".into(), text: Some(seq.to_string()), own: false, at_us: i64::try_from(seq).unwrap() }
    }

    fn shown(notices: &Notices, lines: &[Line]) -> String {
        let name = |entry: Entry<'_>| match entry {
            Entry::Line(line) => line.text.clone().unwrap_or_default(),
            Entry::Notice(Notice::Joined(name)) => format!("+{name}"),
            Entry::Notice(other) => format!("{other:?}"),
        };
        notices.among(lines).into_iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn notices_stay_where_they_happened() {
        let (mut notices, mut lines) = (Notices::default(), Vec::new());
        notices.add(Notice::Joined("a".into()), &lines);
        lines.extend([line(3), line(5)]);
        notices.add(Notice::Joined("b".into()), &lines);
        notices.add(Notice::Back, &lines);
        assert_eq!(shown(&notices, &lines), "+a 3 5 +b Back");
        // What was said before one came arrives later; the server may have begun to count anew.
        lines.insert(0, line(1));
        lines.push(Line { seq: 1, at_us: 99, ..line(1) });
        assert_eq!(shown(&notices, &lines), "+a 1 3 5 +b Back 1");
        // The oldest lines are forgotten.
        lines.drain(..3);
        assert_eq!(shown(&notices, &lines), "+a +b Back 1");
    }

    #[test]
    fn there_are_never_more_than_some() {
        let mut notices = Notices::default();
        for n in 0..2 * MOST {
            notices.add(Notice::Joined(n.to_string()), &[]);
        }
        assert_eq!(notices.among(&[]).len(), MOST);
        assert!(!notices.is_empty());
    }
}
