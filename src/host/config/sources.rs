//! Where settings come from: flags before the environment before a file before the default values. All three use the keys of
//! [`Config`]: `limits.rooms` in a file is `PARLOR_LIMITS_ROOMS` and `--limits-rooms`.

use super::Config;
use super::check;
use crate::base::log;
use crate::base::settings::{About, Node as _, Setting, Shape};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toml::de::{DeTable, DeValue};

/// One setting as the operator sees it.
#[derive(Clone, Debug)]
pub struct Key {
    /// In a file: `limits.rooms`.
    pub name: String,
    /// On the command line, without the dashes: `limits-rooms`.
    pub flag: String,
    /// In the environment: `PARLOR_LIMITS_ROOMS`.
    pub env: String,
    /// A sentence or two.
    pub help: String,
    /// How its value is called: `FILE`.
    pub value_name: &'static str,
    /// What may be written.
    pub allowed: String,
    /// The words of its default value.
    pub default: Vec<String>,
    /// What kind of thing it is.
    pub shape: Shape,
    /// Whether a change needs a new start.
    pub restart: bool,
}

/// Every setting there is, in the order of the guide.
pub fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut keys = Vec::new();
        Config::default().each(|setting| {
            let flag = setting.key.replace(['.', '_'], "-");
            keys.push(Key {
                name: setting.key.to_owned(),
                env: format!("PARLOR_{}", flag.replace('-', "_").to_uppercase()),
                flag,
                help: setting.about.help.trim().to_owned(),
                value_name: setting.value_name(),
                allowed: setting.allowed().into_owned(),
                default: setting.words(),
                shape: setting.shape(),
                restart: setting.about.restart,
            });
        });
        keys
    })
}

impl Config {
    /// Shows each setting to `visit`, in the order of the guide.
    pub fn each(&mut self, mut visit: impl FnMut(Setting<'_>)) {
        self.walk("", &About::default(), &mut visit);
    }
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line of a file, counted from 1.
    Line(PathBuf, usize),
    /// In an environment variable.
    Variable(String),
    /// As a flag.
    Flag(String),
    /// Nowhere in particular.
    Everywhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{}:{line}: ", path.display()),
            Self::Variable(name) => write!(f, "{name}: "),
            Self::Flag(name) => write!(f, "--{name}: "),
            Self::Everywhere => Ok(()),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, and what is allowed.
    pub sentence: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.sentence)
    }
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// A value as somebody wrote it.
#[derive(Clone, Debug)]
struct Given {
    key: String,
    words: Vec<String>,
    place: Place,
}

/// Where a server's settings come from; they can be read again.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Vec<Given>,
    flags: Vec<Given>,
    data: Option<PathBuf>,
}

impl Sources {
    /// Reads settings from this file, too.
    pub fn with_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Takes what `variable` knows of the environment. An empty variable counts as one that is not there.
    pub fn with_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        self.data = usual_data(&variable);
        for key in keys() {
            let old_name = (key.name == "log.level").then_some(log::VARIABLE);
            let found = [Some(key.env.as_str()), old_name].into_iter().flatten();
            let mut found = found.filter_map(|name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value)));
            if let Some((name, value)) = found.next() {
                let words = match key.shape {
                    Shape::List => value.split(',').map(str::to_owned).collect(),
                    _ => vec![value],
                };
                self.environment.push(Given { key: key.name.clone(), words, place: Place::Variable(name.to_owned()) });
            }
        }
        self
    }

    /// Takes the flag of one key.
    pub fn with_flag(mut self, key: &Key, words: Vec<String>) -> Self {
        self.flags.push(Given { key: key.name.clone(), words, place: Place::Flag(key.flag.clone()) });
        self
    }

    /// The file that is read, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads everything, anew if it was read before.
    ///
    /// # Errors
    /// With everything that is wrong, not only the first thing.
    pub fn load(&self) -> Result<Config, Faults> {
        let (mut config, mut faults) = self.read();
        faults.extend(check::values(&config));
        if config.data.is_none() {
            // Where nobody chose a folder, one that cannot be used is no fault: the program does without.
            config.data = self.data.clone().filter(|folder| check::writable(folder).is_ok());
        }
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }

    /// The values, each looked at alone.
    fn read(&self) -> (Config, Vec<Fault>) {
        let mut faults = Vec::new();
        let from_file = self.file.as_deref().map(|path| read_file(path, &mut faults)).unwrap_or_default();
        let mut config = Config::default();
        for layer in [&from_file, &self.environment, &self.flags] {
            apply(&mut config, layer, &mut faults);
        }
        (config, faults)
    }
}

/// The folder for data where none is chosen: the one that systemd made, one beside a portable program, or the person's own.
fn usual_data(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let made = variable("STATE_DIRECTORY").and_then(|folders| folders.split(':').next().map(PathBuf::from));
    let made = made.filter(|folder| folder.is_absolute());
    let made = made.or_else(|| Some(crate::base::portable::folder(false)?.join("server")));
    made.or_else(|| directories::ProjectDirs::from("", "", "Parlor").map(|own| own.data_local_dir().join("server")))
}

fn apply(config: &mut Config, layer: &[Given], faults: &mut Vec<Fault>) {
    config.each(|mut setting| {
        let key = setting.key;
        for given in layer.iter().filter(|given| given.key == key) {
            if !setting.set(&given.words) {
                let shown = match setting.shape() {
                    Shape::Secret => String::new(),
                    _ => format!(", not {}", given.words.join(",")),
                };
                let sentence = format!("`{}` must be {}{shown}", setting.key, setting.allowed());
                faults.push(Fault { place: given.place.clone(), sentence });
            }
        }
    });
}

/// The values of a file, as far as it can be understood.
fn read_file(path: &Path, faults: &mut Vec<Fault>) -> Vec<Given> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                io::ErrorKind::InvalidData => "this is no text".to_owned(),
                _ => error.to_string(),
            };
            faults.push(Fault { place: Place::Everywhere, sentence: format!("the configuration {}: {why}", path.display()) });
            return Vec::new();
        }
    };
    let (table, errors) = DeTable::parse_recoverable(&text);
    let place = |at: usize| {
        let before = text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count();
        Place::Line(path.to_owned(), before + 1)
    };
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        faults.push(Fault { place: place(at), sentence: format!("this is no TOML: {}", error.message().replace('\n', "; ")) });
    }
    let mut reader = Reader { place: &place, given: Vec::new(), faults };
    reader.table("", table.get_ref());
    reader.given
}

struct Reader<'a> {
    place: &'a dyn Fn(usize) -> Place,
    given: Vec<Given>,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = crate::base::settings::join(section, name.get_ref());
            let place = (self.place)(name.span().start);
            let is_section = keys().iter().any(|k| k.name.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.')));
            match (value.get_ref(), keys().iter().find(|k| k.name == key)) {
                (DeValue::Table(inner), None) if is_section => self.table(&key, inner),
                (value, Some(known)) => match words(value, known.shape) {
                    Some(words) => self.given.push(Given { key, words, place }),
                    None => self.fault(place, format!("`{key}` must be {}{}", known.allowed, spelling(known.shape))),
                },
                (_, None) if is_section => self.fault(place, format!("`{key}` is a section: write [{key}] and its keys below")),
                (_, None) => self.fault(place, format!("`{key}` is unknown; {}", neighbours(section))),
            }
        }
    }

    fn fault(&mut self, place: Place, sentence: String) {
        self.faults.push(Fault { place, sentence });
    }
}

/// What a value says, if it is written as its shape asks.
fn words(value: &DeValue<'_>, shape: Shape) -> Option<Vec<String>> {
    let one = match (value, shape) {
        (DeValue::Boolean(on), Shape::Switch) => on.to_string(),
        (DeValue::Integer(number), Shape::Number) => number.to_string(),
        (DeValue::String(text), Shape::Text | Shape::Secret | Shape::List) => text.clone().into_owned(),
        (DeValue::Array(values), Shape::List) => {
            return values.iter().map(|value| words(value.get_ref(), Shape::Text)?.pop()).collect();
        }
        _ => return None,
    };
    Some(vec![one])
}

fn spelling(shape: Shape) -> &'static str {
    match shape {
        Shape::Switch | Shape::Number => ", without quotes",
        Shape::Text | Shape::Secret => ", in quotes",
        Shape::List => ": a list such as [\"one\", \"two\"]",
    }
}

/// The keys that would have been right.
fn neighbours(section: &str) -> String {
    let inside = |key: &'static Key| match section {
        "" => Some(key.name.split('.').next().unwrap_or_default()),
        _ => key.name.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')),
    };
    let mut names: Vec<&str> = keys().iter().filter_map(inside).collect();
    names.dedup();
    match (section, names.is_empty()) {
        ("", _) => format!("there are {}", names.join(", ")),
        (_, true) => format!("there is no section [{section}]"),
        _ => format!("in [{section}] there are {}", names.join(", ")),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
