//! Tests of what is written about Parlor: links lead somewhere, commands and flags exist, and what pages say of the source stands there.

mod commands;
mod figures;
mod links;

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::root;

/// A page, from the repository's root.
struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    fn named(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.into(), text }
    }

    fn name(&self) -> String {
        self.path.to_string_lossy().replace('\\', "/")
    }

    /// What stands outside of blocks of code.
    fn prose(&self) -> String {
        self.text.split("```").step_by(2).collect()
    }

    /// Blocks of code of this kind.
    fn blocks(&self, kind: &str) -> Vec<&str> {
        let blocks = self.text.split("```").skip(1).step_by(2);
        blocks.filter_map(|block| block.split_once('\n')).filter(|(named, _)| *named == kind).map(|(_, code)| code).collect()
    }

    /// `code` in the lines of prose.
    fn spans(&self) -> Vec<String> {
        self.prose().lines().flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

/// Every page in the repository, so that none is forgotten.
fn documents() -> Vec<Document> {
    let pages = files(root(), "md");
    let pages: Vec<_> = pages.iter().map(|path| Document::named(&path.to_string_lossy())).collect();
    assert!(pages.len() > 10, "{}", pages.len());
    pages
}

/// Files below `folder` with this ending, from the repository's root; nothing that was built, nothing hidden.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.') || name == "target");
            if path.is_dir() && !hidden && !path.join("CACHEDIR.TAG").exists() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Files of source without their unit tests.
fn sources() -> Vec<Document> {
    let files = files(&root().join("src"), "rs").into_iter().filter(|path| !path.ends_with("tests.rs"));
    files
        .map(|path| {
            let mut document = Document::named(&path.to_string_lossy());
            let end = document.text.find("#[cfg(test)]\nmod tests").unwrap_or(document.text.len());
            document.text.truncate(end);
            document
        })
        .collect()
}

/// Rows of tables, as their cells.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What a guide prints in bold is what stands on the screen.
#[test]
fn guides_name_buttons_that_exist() {
    for (guide, texts) in [("docs/guide.md", "assets/locales/en.ftl"), ("docs/guide.zh.md", "assets/locales/zh.ftl")] {
        let (guide_text, texts) = (Document::named(guide).text, Document::named(texts).text);
        let mut named = 0;
        for bold in guide_text.split("**").skip(1).step_by(2) {
            let there = texts.lines().any(|line| line.split_once(" = ").is_some_and(|(_, text)| text == bold));
            assert!(there, "{guide}: nothing is called {bold}");
            named += 1;
        }
        assert!(named > 5, "{guide}: {named}");
    }
}

/// Both guides have the same chapters, rows and pictures.
#[test]
fn guides_say_the_same() {
    let shape = |guide: &str| {
        let page = Document::named(guide);
        let headings: Vec<usize> =
            page.prose().lines().filter(|line| line.starts_with('#')).map(|line| line.find(' ').unwrap_or_default()).collect();
        let pictures = page.text.split("](../assets/screenshots/").skip(1).filter_map(|rest| rest.split(['-', '.']).next());
        let pictures: Vec<_> = pictures.map(str::to_owned).collect();
        let paragraphs = page.text.split("\n\n").count();
        (headings, rows(&page.text).len(), pictures, paragraphs, page.text.split("**").count())
    };
    let english = shape("docs/guide.md");
    assert!(english.2.len() > 2, "{:?}", english.2);
    assert_eq!(shape("docs/guide.zh.md"), english);
}

/// Pieces of code that cannot be compiled alone are those of the example.
#[test]
fn the_page_about_the_library_quotes_the_example() {
    let (page, example) = (Document::named("docs/sdk.md"), Document::named("examples/greeter.rs").text);
    let quoted = page.blocks("rust,ignore");
    assert!(quoted.len() > 2, "{}", quoted.len());
    for block in quoted {
        assert!(example.contains(block), "not in examples/greeter.rs:\n{block}");
    }
}
