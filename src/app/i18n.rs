//! What the program says, in the language of the person: Fluent texts of `assets/locales`.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

static EN: &str = include_str!("../../assets/locales/en.ftl");
static ZH: &str = include_str!("../../assets/locales/zh.ftl");

/// A language that the program speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// All of them, in the order of the switch.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// What the system speaks, as far as the program does.
    pub fn of_system() -> Self {
        sys_locale::get_locale().and_then(|locale| locale.parse().ok()).unwrap_or_default()
    }

    /// Its name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "中文",
        }
    }

    /// Its language tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::En => EN,
            Self::Zh => ZH,
        }
    }
}

impl FromStr for Lang {
    type Err = String;

    /// Takes language tags with or without region: `en`, `en-GB`, `zh`, `zh_CN.UTF-8`.
    fn from_str(tag: &str) -> Result<Self, String> {
        match tag.split(['-', '_', '.']).next().unwrap_or(tag).to_ascii_lowercase().as_str() {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            _ => Err(format!("unknown language {tag:?}: use en or zh")),
        }
    }
}

/// The texts of one language.
pub struct Texts {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    /// The texts of `lang`.
    pub fn new(lang: Lang) -> Self {
        let resource = FluentResource::try_new(lang.source().to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(?errors, "a damaged text file");
            resource
        });
        let mut bundle = FluentBundle::new(lang.tag().parse().into_iter().collect());
        // The marks that isolate placeholders confuse both copying and fonts; no right-to-left language is among ours.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, "a text is there twice");
        }
        Self { lang, bundle }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The text called `key`.
    pub fn t(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The text called `key` with its placeholders filled.
    pub fn with(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            tracing::error!(key, "a text is missing");
            return key.to_owned();
        };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::from(*value));
        }
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a text cannot be filled in");
        }
        text
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Texts").field(&self.lang).finish()
    }
}

/// What fills a placeholder.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A piece of text.
    Text(&'a str),
    /// A count; texts may depend on it.
    Count(usize),
}

impl<'a> From<Value<'a>> for FluentValue<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Text(text) => text.into(),
            Value::Count(count) => count.into(),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Value<'_> {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    /// Keys, and the placeholders of each.
    fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in source.lines().filter(|l| !l.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" = ").filter(|(k, _)| !k.starts_with([' ', '['])) {
                current = key.to_owned();
                assert!(keys.insert(current.clone(), BTreeSet::new()).is_none(), "{key} is there twice");
            }
            let names = line
                .match_indices('$')
                .map(|(at, _)| line[at + 1..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
            keys.entry(current.clone()).or_default().extend(names);
        }
        keys.remove("");
        keys
    }

    #[test]
    fn both_languages_have_the_same_keys_and_placeholders() {
        let (en, zh) = (keys(EN), keys(ZH));
        assert!(en.len() > 150);
        for (key, placeholders) in &en {
            assert_eq!(Some(placeholders), zh.get(key), "{key}");
        }
        assert_eq!(en.len(), zh.len(), "zh has keys that en has not");
    }

    #[test]
    fn every_text_of_the_program_is_there_and_every_text_is_used() {
        let mut code = String::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("i18n.rs") {
                    code.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let known = keys(EN);
        for call in [".t(\"", ".with(\""] {
            for (at, _) in code.match_indices(call) {
                let key = code[at + call.len()..].split('"').next().unwrap();
                assert!(known.contains_key(key), "the program says {key}, which is in no language");
            }
        }
        for key in known.keys() {
            assert!(code.contains(&format!("\"{key}\"")), "nobody says {key}");
        }
    }

    #[test]
    fn counts_choose_their_form() {
        let (en, zh) = (Texts::new(Lang::En), Texts::new(Lang::Zh));
        let free = |texts: &Texts, n: usize| texts.with("room-free", &[("free", n.into())]);
        assert_eq!([0, 1, 3].map(|n| free(&en, n)), ["full", "1 free seat", "3 free seats"]);
        assert_eq!([0, 1].map(|n| free(&zh, n)), ["已满", "空 1 位"]);
        assert_eq!(en.with("toast-joined", &[("name", "李雷".into())]), "李雷 joined");
        assert_eq!(en.t("no such key"), "no such key");
    }

    #[test]
    fn the_language_of_the_system_is_understood() {
        for (tag, lang) in [("en-GB", Lang::En), ("zh_CN.UTF-8", Lang::Zh), ("zh-Hant-TW", Lang::Zh), ("EN", Lang::En)] {
            assert_eq!(tag.parse(), Ok(lang));
        }
        assert!("fr".parse::<Lang>().is_err());
    }
}
