//! Commands in the pages: what they start exists, and knows the flags that it is given.

use std::collections::{BTreeMap, BTreeSet};

use clap::{CommandFactory, Parser};

use super::{Document, documents};
use crate::Cli;
use crate::command::root;

/// A program's name, and where its flags are written down.
const PROGRAMS: [(&str, &str); 3] =
    [("parlor", "src/app/cli.rs"), ("parlor-bot", "src/bot/args.rs"), ("parlor-server", "src/host/config/flags.rs")];

/// Flags of each of our programs.
fn flags() -> BTreeMap<&'static str, BTreeSet<String>> {
    let read = |(program, file): &(&'static str, &str)| {
        let mut flags = declared(&Document::named(file).text);
        flags.extend(["--help", "--version"].map(str::to_owned));
        if *program == "parlor-server" {
            // One for each setting, in the table that a test of the settings writes.
            let guide = Document::named("docs/operators.md");
            flags.extend(super::rows(&guide.text).into_iter().filter_map(|row| Some(row.get(1)?.trim_matches('`').to_owned())));
        }
        assert!(flags.len() > 5, "{file}: {flags:?}");
        (*program, flags)
    };
    PROGRAMS.iter().map(read).collect()
}

/// Flags that a file declares: `#[arg(long...)] name:`, or `.long("name")`.
fn declared(source: &str) -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    for (_, name) in source.match_indices(".long(\"").map(|(at, found)| source[at + found.len()..].split_at(0)) {
        flags.insert(format!("--{}", name.split('"').next().unwrap_or_default()));
    }
    for attribute in source.split("#[arg(").skip(1).filter(|rest| rest.trim_start().starts_with("long")) {
        if let Some(name) = attribute.trim_start().strip_prefix("long = \"") {
            flags.insert(format!("--{}", name.split('"').next().unwrap_or_default()));
        } else if let Some((_, field)) = attribute.split_once("\n    pub ") {
            flags.insert(format!("--{}", field.split(':').next().unwrap_or_default().replace('_', "-")));
        }
    }
    flags
}

/// The commands of a block for a shell, as words: without comments, prompts of variables and what they are joined by.
fn commands(block: &str) -> Vec<Vec<String>> {
    let block = block.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in block.lines() {
        let line = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or_default() };
        for command in line.split(['|', ';', '&']) {
            let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '(', ')']).to_owned());
            let mut words: Vec<String> =
                words.skip_while(|word| word.contains('=') || word == "sudo" || word == "exec").collect();
            if let Some(first) = words.first_mut() {
                *first = first.rsplit('/').next().unwrap_or_default().to_owned();
                found.push(words);
            }
        }
    }
    found
}

/// What is wrong with a command, if it is one of ours.
fn fault(command: &[String], flags: &BTreeMap<&str, BTreeSet<String>>) -> Option<String> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words.as_slice() {
        // Where a page speaks of several at once, only that they exist is looked at.
        ["cargo", "xtask", task, ..] if task.contains('[') => None,
        ["cargo", "xtask", rest @ ..]
            if rest.iter().any(|word| word.starts_with(['[', '<']) || word.chars().all(char::is_uppercase)) =>
        {
            let known = Cli::command();
            let known = rest.first().is_none_or(|task| known.find_subcommand(task).is_some());
            (!known).then(|| format!("there is no `cargo xtask {}`", rest[0]))
        }
        ["cargo", "xtask", rest @ ..] if !rest.is_empty() => {
            let parsed = Cli::try_parse_from(["xtask"].iter().chain(rest)).err();
            parsed.filter(clap::Error::use_stderr).map(|error| error.to_string())
        }
        ["cargo", rest @ ..] => {
            let example = rest.iter().skip_while(|word| **word != "--example").nth(1);
            let missing = example.filter(|name| !root().join(format!("examples/{name}.rs")).exists());
            missing.map(|name| format!("there is no example {name}"))
        }
        [program, rest @ ..] => {
            let known = flags.get(program)?;
            let given = rest.iter().filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap_or_default());
            let unknown: Vec<_> = given.filter(|flag| !known.contains(*flag)).collect();
            (!unknown.is_empty()).then(|| format!("{program} knows no {}", unknown.join(", ")))
        }
        [] => None,
    }
}

#[test]
fn commands_exist_and_know_their_flags() {
    let (flags, mut ours, mut wrong) = (flags(), 0, Vec::new());
    for page in documents() {
        let blocks = page.blocks("sh").into_iter().map(str::to_owned);
        for command in blocks.chain(page.spans()).flat_map(|code| commands(&code)) {
            ours += usize::from(command[0] == "cargo" || flags.contains_key(command[0].as_str()));
            if let Some(fault) = fault(&command, &flags) {
                wrong.push(format!("{}: {}: {fault}", page.name(), command.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ours > 30, "{ours} commands found");
}

/// What continuous integration and the release call is there.
#[test]
fn workflows_start_commands_that_exist() {
    let (flags, mut found) = (flags(), 0);
    for file in [".ci/run", ".github/workflows/ci.yml", ".github/workflows/release.yml"] {
        for line in Document::named(file).text.lines().filter_map(|line| line.find("cargo xtask").map(|at| &line[at..])) {
            for command in commands(line.split(" >").next().unwrap_or_default()) {
                assert_eq!(fault(&command, &flags), None, "{file}");
                found += 1;
            }
        }
    }
    assert!(found > 5, "{found}");
}

/// A flag that is named without its program belongs to one of them.
#[test]
fn flags_on_their_own_exist() {
    let mut known: BTreeSet<String> = flags().into_values().flatten().collect();
    for task in Cli::command().get_subcommands() {
        known.extend(task.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))));
    }
    let mut wrong = Vec::new();
    for page in documents() {
        for span in page.spans().into_iter().filter(|span| span.starts_with("--")) {
            let flag = span.split([' ', '=']).next().unwrap_or_default().to_owned();
            // Cargo's own, about features.
            if !known.contains(&flag) && flag != "--no-default-features" {
                wrong.push(format!("{}: {flag}", page.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "nobody knows\n{}", wrong.join("\n"));
}

#[test]
fn faults_are_seen() {
    let flags = BTreeMap::from([("parlor", BTreeSet::from(["--live".to_owned()]))]);
    let faulty = |code: &str| commands(code).iter().any(|command| fault(command, &flags).is_some());
    assert!(faulty("cargo xtask fly") && faulty("cargo xtask check --slow") && faulty("cargo run --example none"));
    assert!(faulty("FOO=1 ./target/parlor --dead") && faulty("true && parlor --live --dead=1"));
    assert!(!faulty("cargo xtask check --fast # --slow") && !faulty("parlor --live") && !faulty("other --any"));
    let source = "#[arg(long, value_name = \"N\")]\n    pub no_video: bool,\n.long(\"ping\")";
    assert_eq!(declared(source), BTreeSet::from(["--no-video".to_owned(), "--ping".to_owned()]));
}
