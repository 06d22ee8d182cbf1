//! The map of the house at the top of `src/lib.rs` is true: who may import whom, doors with signs, foreign types kept
//! inside, no file too long.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, UseTree, Visibility};

/// When a file grows past this, it is usually two rooms.
const MAX_LINES: usize = 600;
/// Crates of the outer world that only `media` may know.
const KEPT_IN_MEDIA: [&str; 6] = ["ffmpeg_next", "ffmpeg_sys_next", "nokhwa", "alsa", "cpal", "rodio"];

#[test]
fn imports_follow_the_map() {
    let map = read_map();
    let mut violations = Vec::new();
    for file in sources("src") {
        let Some(room) = file.room() else { continue };
        let allowed = map.get(room).unwrap_or_else(|| panic!("{room} is not on the map in src/lib.rs"));
        for import in file.imports() {
            if import != room && map.contains_key(&import) && !allowed.contains(&import) {
                violations.push(format!("{} uses {import}", file.path.display()));
            }
        }
    }
    assert!(violations.is_empty(), "against the map in src/lib.rs:\n{}", violations.join("\n"));
}

#[test]
fn the_map_names_every_room_once_and_has_no_circle() {
    let map = read_map();
    let lib = syn::parse_file(&fs::read_to_string(root().join("src/lib.rs")).unwrap()).unwrap();
    let modules = lib.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
        _ => None,
    });
    for module in modules {
        assert!(map.contains_key(&module), "{module} is not on the map in src/lib.rs");
    }
    // Take away rooms that need nothing (any more) until none is left.
    let mut left = map;
    while !left.is_empty() {
        let before = left.len();
        let done: BTreeSet<String> = left.iter().filter(|(_, needs)| needs.is_empty()).map(|(room, _)| room.clone()).collect();
        left.retain(|room, _| !done.contains(room));
        left.values_mut().for_each(|needs| needs.retain(|room| !done.contains(room)));
        assert!(left.len() < before, "these import each other in a circle: {:?}", left.keys());
    }
}

#[test]
fn every_module_says_what_it_is() {
    let silent: Vec<_> =
        sources("src").chain(sources("tests")).chain(sources("xtask/src")).filter(|file| !has_docs(&file.syntax.attrs)).collect();
    let names: Vec<_> = silent.iter().map(|file| file.path.display().to_string()).collect();
    assert!(names.is_empty(), "no `//!` at the top of:\n{}", names.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let folders = ["src", "tests", "benches", "xtask/src", "fuzz/fuzz_targets"];
    let long: Vec<_> = folders
        .iter()
        .flat_map(|folder| sources(folder))
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn device_and_codec_crates_stay_in_media() {
    for file in sources("src").filter(|file| file.room() != Some("media")) {
        let known: Vec<_> = file.words().into_iter().filter(|word| KEPT_IN_MEDIA.contains(&word.as_str())).collect();
        assert!(known.is_empty(), "{} names {known:?}", file.path.display());
    }
}

#[test]
fn no_public_signature_of_media_shows_a_foreign_type() {
    let files: Vec<Source> = sources("src").filter(|file| file.room() == Some("media")).collect();
    let open = open_modules(&files);
    let mut shown = Vec::new();
    for file in files.iter().filter(|file| open.contains(&file.module)) {
        let foreign = file.foreign_names();
        for (item, tokens) in public_signatures(&file.syntax.items) {
            if let Some(name) = words(tokens).into_iter().find(|word| foreign.contains(word)) {
                shown.push(format!("{}: {item} shows {name}", file.path.display()));
            }
        }
    }
    assert!(shown.is_empty(), "wrap these:\n{}", shown.join("\n"));
}

#[test]
fn the_checks_themselves_see_what_they_should() {
    let text = r#"
        //! Door.
        use crate::{base::Clock, rtmp};
        fn f() { println!("{}", crate::wire::x()); /* crate::no */ let _ = "crate::neither"; super::super::proto::y() }
        #[cfg(test)]
        mod tests { use crate::server; }
    "#;
    let file = Source::parse(PathBuf::from("src/media/play/sync.rs"), text.to_owned());
    assert_eq!(file.imports(), BTreeSet::from(["base", "rtmp", "wire"].map(str::to_owned)));
    let shallow = Source::parse(PathBuf::from("src/media/mod.rs"), text.replace("super::super", "super"));
    assert!(shallow.imports().contains("proto"));

    let text = r#"
        use rodio::Player as Sink;
        pub struct Hidden(Sink);
        pub struct Open { pub sink: Sink, clock: Sink }
        pub fn f(device: &cpal::Device) {}
        impl Hidden { pub fn sink(&self) -> Sink { todo!() } fn private(&self) -> Sink { todo!() } }
    "#;
    let file = Source::parse(PathBuf::from("src/media/audio.rs"), text.to_owned());
    let foreign = file.foreign_names();
    let seen = public_signatures(&file.syntax.items).into_iter();
    let seen: Vec<_> = seen
        .filter(|(_, tokens)| words(tokens.clone()).iter().any(|word| foreign.contains(word)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(seen, ["Open.sink", "f", "sink"]);
}

/// One file of Rust.
struct Source {
    /// From the repository's root.
    path: PathBuf,
    text: String,
    syntax: syn::File,
    /// Module path below the crate: `["media", "play"]`; empty for `lib.rs`.
    module: Vec<String>,
}

impl Source {
    fn parse(path: PathBuf, text: String) -> Self {
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let below = path.strip_prefix("src").unwrap_or(&path).with_extension("");
        let mut module: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        Self { path, text, syntax, module }
    }

    /// The top-level module it belongs to; `None` for `lib.rs` and the binaries, which may use all.
    fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str).filter(|room| *room != "bin")
    }

    /// Everything but the unit tests, which may borrow from any room.
    fn product(&self) -> TokenStream {
        self.syntax.items.iter().filter(|item| !is_test(item)).map(ToTokens::to_token_stream).collect()
    }

    fn words(&self) -> Vec<String> {
        words(self.product())
    }

    /// Top-level modules of this crate that it names, by `crate::` or by climbing with `super::`.
    fn imports(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect_imports(self.product(), self.module.len(), &mut found);
        found
    }

    /// Names under which this file knows foreign crates and their types.
    fn foreign_names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = KEPT_IN_MEDIA.map(str::to_owned).into();
        for item in &self.syntax.items {
            if let Item::Use(item) = item
                && let UseTree::Path(path) = &item.tree
                && KEPT_IN_MEDIA.contains(&path.ident.to_string().as_str())
            {
                collect_names(&path.tree, &mut names);
            }
        }
        names
    }
}

/// The map in the documentation of the crate: for each room those that it may import.
fn read_map() -> BTreeMap<String, BTreeSet<String>> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines = lib.lines().filter_map(|line| line.strip_prefix("//! ")).filter_map(|line| line.split_once(" -> "));
    let map: BTreeMap<String, BTreeSet<String>> = lines
        .map(|(room, others)| {
            let others = others.split(',').map(|other| other.trim().to_owned()).filter(|other| other != "nothing");
            (room.trim().to_owned(), others.collect())
        })
        .collect();
    assert!(map.len() > 5, "no map found in src/lib.rs");
    map
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> impl Iterator<Item = Source> + use<> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    // Unit tests that fill a file of their own are no module that anybody meets.
    files.retain(|path| !path.ends_with("tests.rs"));
    files.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        Source::parse(path.strip_prefix(root()).unwrap().to_owned(), text)
    })
}

fn is_test(item: &Item) -> bool {
    let Item::Mod(module) = item else { return false };
    module
        .attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test"))
}

fn has_docs(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}

/// All identifiers in `tokens`, inside macros too.
fn words(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => found.push(word.to_string()),
            TokenTree::Group(group) => found.extend(words(group.stream())),
            _ => {}
        }
    }
    found
}

fn collect_imports(tokens: TokenStream, depth: usize, found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_colons = |at: usize| {
        [at, at + 1].iter().all(|at| matches!(tokens.get(*at), Some(TokenTree::Punct(colon)) if colon.as_char() == ':'))
    };
    let mut climbed = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect_imports(group.stream(), depth, found),
            TokenTree::Ident(word) if is_colons(index + 1) => {
                climbed = match word.to_string().as_str() {
                    "crate" => depth,
                    "super" => climbed + 1,
                    _ => 0,
                };
                if climbed > 0 && climbed == depth {
                    roots_of(tokens.get(index + 3), found);
                }
            }
            TokenTree::Ident(_) => climbed = 0,
            _ => {}
        }
    }
}

/// What follows `crate::`: a name, or several in braces.
fn roots_of(token: Option<&TokenTree>, found: &mut BTreeSet<String>) {
    match token {
        Some(TokenTree::Ident(word)) => {
            found.insert(word.to_string());
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let mut first = true;
            for token in group.stream() {
                if first && matches!(token, TokenTree::Ident(_)) {
                    roots_of(Some(&token), found);
                }
                first = matches!(&token, TokenTree::Punct(comma) if comma.as_char() == ',');
            }
        }
        _ => {}
    }
}

fn collect_names(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => collect_names(&path.tree, names),
        UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(names.insert(rename.rename.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|item| collect_names(item, names)),
        UseTree::Glob(_) => {}
    }
}

/// Modules that other rooms can reach: `pub mod` all the way down.
fn open_modules(files: &[Source]) -> BTreeSet<Vec<String>> {
    let mut open = BTreeSet::from([vec!["media".to_owned()]]);
    let mut grown = true;
    while grown {
        let before = open.len();
        for file in files.iter().filter(|file| open.contains(&file.module)).collect::<Vec<_>>() {
            for item in &file.syntax.items {
                if let Item::Mod(module) = item
                    && matches!(module.vis, Visibility::Public(_))
                {
                    open.insert(file.module.iter().cloned().chain([module.ident.to_string()]).collect());
                }
            }
        }
        grown = open.len() > before;
    }
    open
}

/// Public items, methods and fields with the tokens of their signatures.
fn public_signatures(items: &[Item]) -> Vec<(String, TokenStream)> {
    let is_public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::Fn(item) if is_public(&item.vis) => found.push((item.sig.ident.to_string(), item.sig.to_token_stream())),
            Item::Const(item) if is_public(&item.vis) => found.push((item.ident.to_string(), item.ty.to_token_stream())),
            Item::Type(item) if is_public(&item.vis) => found.push((item.ident.to_string(), item.ty.to_token_stream())),
            Item::Use(item) if is_public(&item.vis) => found.push(("use".to_owned(), item.tree.to_token_stream())),
            Item::Enum(item) if is_public(&item.vis) => found.push((item.ident.to_string(), item.variants.to_token_stream())),
            Item::Trait(item) if is_public(&item.vis) => found.push((item.ident.to_string(), item.to_token_stream())),
            Item::Struct(item) if is_public(&item.vis) => {
                for (index, field) in item.fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis)) {
                    let name = field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string);
                    found.push((format!("{}.{name}", item.ident), field.ty.to_token_stream()));
                }
            }
            Item::Impl(item) if item.trait_.is_none() => {
                for member in &item.items {
                    if let syn::ImplItem::Fn(method) = member
                        && is_public(&method.vis)
                    {
                        found.push((method.sig.ident.to_string(), method.sig.to_token_stream()));
                    }
                }
            }
            _ => {}
        }
    }
    found
}
