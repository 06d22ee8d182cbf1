//! What pages say of the source stands there: threads, lengths of queues, the map; names of figures that operators watch.

use std::collections::BTreeSet;

use super::{Document, rows, sources};

const PAGE: &str = "docs/architecture.md";

/// A call that names a thread, up to the name; and such calls where a thread's name is an argument.
const NAMING: [&str; 4] = ["Worker::spawn(", "Worker::open(", ".thread_name(", ".name(format!("];
const PASSING: [&str; 3] = [".ask(", ".want(", "self.spawn("];

/// The text in quotes that follows soon, up to what is filled in.
fn quoted(text: &str) -> Option<&str> {
    // Between a call and its text may be one other argument.
    let (before, rest) = text.split_once('"')?;
    let soon = before.len() < 50 && !before.contains([';', '{']) && !before.contains("replacen");
    soon.then(|| rest.split(['"', '{']).next().unwrap_or_default().trim())
}

/// Names of threads, without what tells several of a kind apart.
fn named_in_source() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["play-".to_owned()]);
    for source in sources() {
        let code: Vec<&str> = source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        let passing = if code.contains("Worker::spawn(name,") { PASSING.as_slice() } else { &[] };
        for naming in NAMING.iter().chain(passing) {
            names.extend(code.split(naming).skip(1).filter_map(quoted).map(str::to_owned));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn every_thread_is_on_the_page() {
    let page = Document::named(PAGE);
    let (_, table) = page.text.split_once("### All threads").expect("the page lists the threads");
    let table = table.split("\n## ").next().unwrap_or_default();
    let cells: Vec<String> = rows(table).into_iter().filter_map(|row| row.into_iter().next()).collect();
    let listed: BTreeSet<String> =
        cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(|name| name.replace("NAME", "")).collect();
    let server = BTreeSet::from(["server".to_owned(), "connections".to_owned()]);
    let named = named_in_source();
    let missing: Vec<_> = named.iter().filter(|name| !listed.contains(*name) && !server.contains(*name)).collect();
    assert!(missing.is_empty(), "not among the threads of {PAGE}: {missing:?}");
    // The other way round: `fetch-` is made of `play-`.
    let gone: Vec<_> = listed.iter().filter(|name| !named.contains(*name) && *name != "fetch-").collect();
    assert!(gone.is_empty(), "threads of {PAGE} that nobody starts: {gone:?}");
    assert!(server.is_subset(&named) && page.text.contains("`server`") && page.text.contains("`connections N`"));
}

/// Sizes and times in a text, in bytes or milliseconds, and other numbers.
fn numbers(text: &str) -> Vec<u64> {
    let words: Vec<&str> = text.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let unit = |word: Option<&&str>| match word.copied() {
        Some("MiB") => 1024 * 1024,
        Some("KiB") => 1024,
        Some("s") => 1000,
        _ => 1,
    };
    let numbers = words.iter().enumerate().filter_map(|(at, word)| Some((at, word.parse::<u64>().ok()?)));
    numbers.map(|(at, number)| number * unit(words.get(at + 1))).collect()
}

/// The same of the source: `4 * 1024`, `Duration::from_secs(1)`.
fn defined(expression: &str) -> Vec<u64> {
    let parts = expression.replace("Duration::from_millis(", "").replace("Duration::from_secs(", "1000 * ");
    let products = parts.split([',', '{', '}', ':']).map(|part| part.trim().trim_end_matches(')').replace('_', ""));
    products
        .filter_map(|product| product.split('*').map(|factor| factor.trim().parse::<u64>().ok()).product::<Option<u64>>())
        .collect()
}

#[test]
fn queues_are_as_long_as_the_page_says() {
    let page = Document::named(PAGE);
    let mut checked = 0;
    for row in rows(&page.text) {
        let Some((_, named)) = row[0].split_once("[`") else { continue };
        let (name, rest) = named.split_once("`](../").expect("the name of a limit is a link to its file");
        let file = rest.split(')').next().unwrap_or_default();
        let source = Document::named(file).text;
        let found = source.split(&format!("const {name}: ")).nth(1).and_then(|rest| rest.split(';').next());
        let definition = found.unwrap_or_else(|| panic!("{file} has no {name}")).split_once('=').unwrap().1;
        let (said, is) = (numbers(&row[1]), defined(definition));
        assert!(!said.is_empty() && said.iter().all(|number| is.contains(number)), "{name} is{definition}, not {}", row[1]);
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn the_map_is_that_of_the_source() {
    let lib = Document::named("src/lib.rs").text;
    let map: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("//! ")).filter(|line| line.contains(" -> ")).collect();
    assert!(map.len() > 5 && Document::named(PAGE).text.contains(&map.join("\n")), "the map in {PAGE} is old");
}

/// Names of figures in rules for alerts are those that the server gives.
#[test]
fn figures_for_operators_exist() {
    let source = Document::named("src/host/metrics.rs").text;
    let guide = Document::named("docs/operators.md").text;
    let words = guide.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("parlor_") || word.starts_with("process_")).collect();
    let bare =
        |name: &str| ["_total", "_info", "_bucket"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned();
    let unknown: Vec<_> = named.iter().filter(|name| !source.contains(&format!("\"{}\"", bare(name)))).collect();
    assert!(named.len() > 15 && unknown.is_empty(), "the server has no {unknown:?}");
}

#[test]
fn numbers_are_read_alike() {
    assert_eq!(numbers("2 MiB, 300 ms; sound 1 s"), [2 * 1024 * 1024, 300, 1000]);
    assert_eq!(
        defined(" Limits { bytes: 2 * 1024 * 1024, span: Duration::from_millis(300), s: Duration::from_secs(1) }"),
        [2 * 1024 * 1024, 300, 1000]
    );
    assert_eq!(quoted("\n    \"a\",\n"), Some("a"));
    assert_eq!(quoted("(source, round), \"b\", move ||"), Some("b"));
    assert_eq!(quoted("format!(\"c {number}\"))"), Some("c"));
    assert_eq!(quoted("name, run).map(|e| { x(\"d\") })"), None);
}
