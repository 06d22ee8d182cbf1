//! Developer commands: `cargo xtask run | test | check | bench | dist`.
//!
//! Every command installs what the system lacks (it says what first), then does its job. This crate knows the
//! repository from outside only: it starts programs and reads what they print, and links nothing of Parlor.

mod bench;
mod call;
mod check;
mod command;
mod dist;
mod release;
mod run;
mod system;
mod table;
mod temporary;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Parlor's developer commands", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build, and open the app; without a display: a ten-second call of two members.
    Run(run::Options),
    /// Install what the tests need, run all of them, and end with a count.
    Test(test::Options),
    /// Format, lints, licences, typos, documentation, installer source.
    Check(check::Options),
    /// Measure; the release build's figures, with the machine's load beside them.
    Bench(bench::Options),
    /// Packages to install, under `target/dist/`.
    Dist(dist::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Check(options) => check::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Dist(options) => dist::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::CommandFactory;

    use super::*;

    const DOCUMENTS: [&str; 9] = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "assets/fonts/README.md",
        "docs/encryption.md",
        "docs/guide.md",
        "docs/guide.zh.md",
        "docs/operators.md",
        "docs/protocol.md",
    ];

    fn documents() -> impl Iterator<Item = (&'static str, String)> {
        DOCUMENTS.iter().map(|name| (*name, fs::read_to_string(command::root().join(name)).unwrap()))
    }

    #[test]
    fn documents_name_commands_that_exist() {
        let known = Cli::command();
        for (document, text) in documents() {
            for named in text.split("cargo xtask ").skip(1) {
                let name = named.split(|letter: char| !letter.is_ascii_lowercase()).next().unwrap_or_default();
                assert!(known.find_subcommand(name).is_some(), "{document}: there is no `cargo xtask {name}`");
            }
        }
    }

    #[test]
    fn documents_link_to_files_that_exist() {
        for (document, text) in documents() {
            let folder = command::root().join(document).parent().unwrap().to_owned();
            for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
                let outside = link.contains("://") || link.starts_with('#');
                let file = link.split('#').next().unwrap_or_default();
                assert!(outside || folder.join(file).exists(), "{document}: {link} is not there");
            }
        }
    }

    /// What a guide prints in bold is what stands on the screen.
    #[test]
    fn guides_name_buttons_that_exist() {
        for (guide, texts) in [("docs/guide.md", "assets/locales/en.ftl"), ("docs/guide.zh.md", "assets/locales/zh.ftl")] {
            let read = |name: &str| fs::read_to_string(command::root().join(name)).unwrap();
            let (guide_text, texts) = (read(guide), read(texts));
            let mut named = 0;
            for bold in guide_text.split("**").skip(1).step_by(2) {
                let there = texts.lines().any(|line| line.split_once(" = ").is_some_and(|(_, text)| text == bold));
                assert!(there, "{guide}: nothing is called {bold}");
                named += 1;
            }
            assert!(named > 5, "{guide}: {named}");
        }
    }
}
