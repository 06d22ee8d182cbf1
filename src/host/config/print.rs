//! Settings written down: as a TOML file that can be read again, and as the guide's table.

use super::{Config, keys};
use crate::base::settings::Shape;
use std::fmt::Write as _;

/// What stands where a secret is.
const MASK: &str = "********";

/// The configuration in effect as a file, each key with its help; secrets are masked, and what is not set is a comment.
pub fn toml(config: &Config) -> String {
    let mut text = String::from(
        "# Settings of parlor-server. Each is also an environment variable (PARLOR_LIMITS_ROOMS)\n# and a flag (--limits-rooms).\n",
    );
    let mut section = String::new();
    config.clone().each(|setting| {
        let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of.to_owned();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{section}]\n");
        }
        let restart = if setting.about.restart { " (Needs a new start.)" } else { "" };
        let _ = write!(text, "\n{}", comment(&format!("{}{restart}", setting.about.help.trim())));
        let words = setting.words();
        let secret = setting.shape() == Shape::Secret && !words.is_empty();
        let line =
            if secret { format!("{name} = {}", quoted(MASK)) } else { format!("{name} = {}", value(setting.shape(), &words)) };
        // A masked secret is a comment, too: printed and read again, it must not become the secret.
        let unset = words.is_empty() && setting.shape() != Shape::List;
        let _ = writeln!(text, "{}{line}", if unset || secret { "# " } else { "" });
    });
    text
}

/// The table of all keys, in Markdown.
pub fn table() -> String {
    let mut text = String::from("| key | flag | environment | default | what it is |\n|---|---|---|---|---|\n");
    for key in keys() {
        let default = if key.default.is_empty() { "none".to_owned() } else { format!("`{}`", key.default.join(",")) };
        let restart = if key.restart { " *Needs a new start.*" } else { "" };
        let _ = writeln!(
            text,
            "| `{}` | `--{}` | `{}` | {default} | {}{restart} Must be {}. |",
            key.name,
            key.flag,
            key.env,
            key.help.replace('|', "\\|"),
            key.allowed.replace('|', "\\|"),
        );
    }
    text
}

fn value(shape: Shape, words: &[String]) -> String {
    match (shape, words) {
        (Shape::List, words) => format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")),
        (Shape::Switch | Shape::Number, [word, ..]) => word.clone(),
        (_, [word, ..]) => quoted(word),
        (Shape::Switch, []) => "false".to_owned(),
        (Shape::Number, []) => "0".to_owned(),
        (_, []) => quoted(""),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Lines of at most a hundred characters that begin with `#`.
fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut length = usize::MAX;
    for word in text.split_whitespace() {
        if length.saturating_add(word.len()) > 100 {
            if length != usize::MAX {
                lines.push('\n');
            }
            lines.push('#');
            length = 1;
        }
        lines.push(' ');
        lines.push_str(word);
        length += word.len() + 1;
    }
    lines.push('\n');
    lines
}
