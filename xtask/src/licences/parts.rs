//! Everything that Parlor is made of, each part with its licences.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::others::{self, Other};
use super::text::{self, Taken};
use crate::command::root;
use crate::packages;

/// Where packages have files that are no part of the library.
const ELSEWHERE: [&str; 8] = ["tests", "examples", "benches", "target", "docs", "fuzz", "testdata", "scripts"];
/// How deep in a package licences are looked for: of what it brings along from others.
const DEPTH: usize = 4;
/// Texts that packages refer to without bringing them.
const OWN: [&str; 4] = ["LICENSE-MIT", "LICENSE-APACHE", "assets/licences/GPL-2.0.txt", "assets/licences/GPL-3.0.txt"];

/// A part.
#[derive(Debug)]
pub struct Part {
    /// `serde 1.0.228`.
    pub name: String,
    /// SPDX expression.
    pub licence: String,
    /// Whose it is.
    pub notices: Vec<String>,
    /// Which texts, by their places in the list.
    pub texts: BTreeSet<usize>,
}

/// All of them.
#[derive(Debug)]
pub struct Listed {
    pub parts: Vec<Part>,
    /// Name and words of each text.
    pub texts: Vec<(String, String)>,
}

/// `serde 1.0.228`.
pub fn name(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap_or_default(), package["version"].as_str().unwrap_or_default())
}

/// Its licence as an SPDX expression: older packages write a slash for OR.
fn licence(package: &Value) -> String {
    let said = package["license"].as_str().unwrap_or("see the text").replace('/', " OR ");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lists what the programs have in them, and what is packed with them.
pub fn list(metadata: &Value) -> Result<Listed> {
    let mut shelf = Shelf::default();
    for file in OWN {
        shelf.put(read(&root().join(file))?, file);
    }
    let mut drafts = Vec::new();
    for package in packages::linked(metadata)? {
        drafts.push(Draft::of_package(package, &mut shelf)?);
    }
    for other in others::ALL {
        drafts.push(Draft::of_other(other, &mut shelf)?);
    }
    borrow(&mut drafts, &shelf)?;
    let (order, texts) = shelf.sorted(&drafts);
    let mut parts: Vec<Part> = drafts.into_iter().map(|draft| draft.finish(&order)).collect();
    parts.sort_by_key(|part| part.name.to_lowercase());
    Ok(Listed { parts, texts })
}

/// A part while not all is known.
#[derive(Debug)]
struct Draft {
    name: String,
    licence: String,
    notices: Vec<String>,
    /// Keys of its texts.
    texts: BTreeSet<String>,
    repository: Option<String>,
    authors: Vec<String>,
}

impl Draft {
    fn of_package(package: &Value, shelf: &mut Shelf) -> Result<Self> {
        let manifest = Path::new(package["manifest_path"].as_str().context("a package without a place")?);
        let folder = manifest.parent().context("a package without a folder")?;
        let mut files = Vec::new();
        find(folder, 0, &mut files)?;
        if let Some(named) = package["license_file"].as_str().map(|file| folder.join(file)).filter(|file| !files.contains(file)) {
            files.push(named);
        }
        let authors = package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut draft = Self {
            name: name(package),
            licence: licence(package),
            notices: Vec::new(),
            texts: BTreeSet::new(),
            repository: package["repository"].as_str().map(str::to_owned),
            // Nobody's post address needs to be in every copy of Parlor.
            authors: authors.filter_map(|author| author.split('<').next()).map(|author| author.trim().to_owned()).collect(),
        };
        for file in files {
            draft.add(read(&file)?, &file.file_name().unwrap_or_default().to_string_lossy(), shelf);
        }
        Ok(draft)
    }

    fn of_other(other: &Other, shelf: &mut Shelf) -> Result<Self> {
        let notices = other.notices.iter().map(|notice| (*notice).to_owned()).collect();
        let (name, licence) = (other.name.to_owned(), other.licence.to_owned());
        let mut draft = Self { name, licence, notices, texts: BTreeSet::new(), repository: None, authors: Vec::new() };
        for file in other.files.iter().filter(|file| file.starts_with("LICENSE")) {
            draft.add(read(&root().join("assets/fonts").join(file))?, file, shelf);
        }
        Ok(draft)
    }

    fn add(&mut self, taken: Taken, file: &str, shelf: &mut Shelf) {
        for notice in &taken.notices {
            if !self.notices.contains(notice) {
                self.notices.push(notice.clone());
            }
        }
        if !taken.body.is_empty() {
            self.texts.insert(shelf.put(taken, file));
        }
    }

    fn finish(mut self, order: &BTreeMap<String, usize>) -> Part {
        if self.notices.is_empty() && !self.authors.is_empty() {
            self.notices.push(format!("By {}", self.authors.join(", ")));
        }
        let texts = self.texts.iter().filter_map(|key| order.get(key).copied()).collect();
        Part { name: self.name, licence: self.licence, notices: self.notices, texts }
    }
}

/// Gives texts to the parts that bring none: those of another package of the same project, else the usual ones of their licence.
fn borrow(drafts: &mut [Draft], shelf: &Shelf) -> Result<()> {
    let usual = shelf.usual();
    let mut lenders: BTreeMap<(String, String), (Vec<String>, BTreeSet<String>)> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| !draft.texts.is_empty()) {
        if let Some(repository) = &draft.repository {
            let project = (repository.clone(), draft.licence.clone());
            lenders.entry(project).or_insert_with(|| (draft.notices.clone(), draft.texts.clone()));
        }
    }
    for draft in drafts.iter_mut().filter(|draft| draft.texts.is_empty() && draft.licence != "Nobody else's") {
        let project = draft.repository.clone().map(|repository| (repository, draft.licence.clone()));
        if let Some((notices, texts)) = project.and_then(|project| lenders.get(&project)) {
            (draft.notices, draft.texts) = (notices.clone(), texts.clone());
            continue;
        }
        let ids = draft.licence.split(['(', ')']).flat_map(|part| part.split(" OR ")).flat_map(|part| part.split(" AND "));
        draft.texts = ids.filter_map(|id| usual.get(id.trim()).cloned()).collect();
        if draft.texts.is_empty() {
            bail!("{} brings no text of its licence ({}), and nobody else has it", draft.name, draft.licence);
        }
    }
    Ok(())
}

/// All texts, each once.
#[derive(Debug, Default)]
struct Shelf(BTreeMap<String, Text>);

#[derive(Debug)]
struct Text {
    id: Option<&'static str>,
    file: String,
    body: String,
    times: usize,
}

impl Shelf {
    /// Puts a text there; returns its key.
    fn put(&mut self, taken: Taken, file: &str) -> String {
        let key = text::key(&taken.body);
        let id = text::identify(&taken.body);
        let text = self.0.entry(key.clone()).or_insert_with(|| Text { id, file: file.to_owned(), body: taken.body, times: 0 });
        text.times += 1;
        key
    }

    /// The text of each licence that most have.
    fn usual(&self) -> BTreeMap<&'static str, String> {
        let mut usual: BTreeMap<&'static str, (usize, &String)> = BTreeMap::new();
        for (key, text) in &self.0 {
            if let Some(id) = text.id
                && usual.get(id).is_none_or(|(times, _)| text.times > *times)
            {
                usual.insert(id, (text.times, key));
            }
        }
        usual.into_iter().map(|(id, (_, key))| (id, key.clone())).collect()
    }

    /// Where each text that somebody has comes, and all of them: known licences first, the usual form of each before the others.
    fn sorted(&self, drafts: &[Draft]) -> (BTreeMap<String, usize>, Vec<(String, String)>) {
        let wanted: BTreeSet<&String> = drafts.iter().flat_map(|draft| &draft.texts).collect();
        let mut all: Vec<(&String, &Text)> = self.0.iter().filter(|(key, _)| wanted.contains(key)).collect();
        all.sort_by_key(|(key, text)| (text.id.is_none(), text.id, usize::MAX - text.times, (*key).clone()));
        let order = all.iter().enumerate().map(|(place, (key, _))| ((*key).clone(), place)).collect();
        let texts = all.iter().map(|(_, text)| (text.id.unwrap_or(&text.file).to_owned(), text.body.clone())).collect();
        (order, texts)
    }
}

fn read(file: &Path) -> Result<Taken> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(text::take(&String::from_utf8_lossy(&bytes)))
}

/// Files with licences in a package, sorted.
fn find(folder: &Path, depth: usize, to: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut entries = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if entry.is_dir() {
            let hidden = name.starts_with('.') || ELSEWHERE.iter().any(|elsewhere| elsewhere.eq_ignore_ascii_case(&name));
            if !hidden && depth < DEPTH {
                find(&entry, depth + 1, to)?;
            }
        } else if is_licence(&name) {
            to.push(entry);
        }
    }
    Ok(())
}

/// Whether a file of this name, in capitals, has a licence in it.
fn is_licence(name: &str) -> bool {
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    let text = ["", "TXT", "MD", "MIT", "APACHE", "APACHE2", "BSD", "ZLIB"].contains(&kind);
    let starts =
        ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"].iter().any(|start| name.starts_with(start));
    // Fonts have theirs beside them.
    let font = ["OFL", "UFL", "HACK-REGULAR"].contains(&stem) || stem.ends_with("-LICENSE");
    (starts || font) && text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_found_by_the_names_of_their_files() {
        for (name, is) in [
            ("LICENSE-MIT", true),
            ("COPYING", true),
            ("LICENSE.MD", true),
            ("UFL.TXT", true),
            ("LICENSE.RS", false),
            ("README.MD", false),
        ] {
            assert_eq!(is_licence(name), is, "{name}");
        }
    }

    #[test]
    fn who_brings_no_text_gets_the_projects_or_the_usual_one() {
        let draft = |name: &str, licence: &str, repository: &str| Draft {
            name: name.into(),
            licence: licence.into(),
            notices: Vec::new(),
            texts: BTreeSet::new(),
            repository: Some(repository.into()),
            authors: vec!["Ada".into()],
        };
        let mut shelf = Shelf::default();
        shelf.put(read(&root().join("LICENSE-MIT")).unwrap(), "LICENSE-MIT");
        let mut drafts = vec![draft("a", "MIT", "x"), draft("b", "MIT", "x"), draft("c", "MIT OR WTFPL", "y")];
        drafts[0].add(text::take("Copyright (c) 2020 Ada\nAs you like."), "LICENSE", &mut shelf);
        borrow(&mut drafts, &shelf).unwrap();
        assert_eq!((&drafts[1].texts, &drafts[1].notices), (&drafts[0].texts, &drafts[0].notices));
        let (order, texts) = shelf.sorted(&drafts);
        assert_eq!(texts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["MIT", "LICENSE"]);
        let part = drafts.remove(2).finish(&order);
        assert_eq!((part.texts, part.notices), (BTreeSet::from([0]), vec!["By Ada".to_owned()]));
        assert!(borrow(&mut [draft("d", "Mine", "z")], &shelf).is_err());
    }
}
