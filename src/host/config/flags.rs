//! The command line of `parlor-server`, made from the table of settings.

use super::sources::{Key, Sources, keys};
use crate::base::settings::Shape;
use crate::base::stamp;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;
use std::sync::LazyLock;

/// What the program is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Serve.
    Serve,
    /// Say whether the configuration is good.
    Check,
    /// Write the configuration in effect.
    Print,
    /// Make another key for tokens.
    RotateKeys,
    /// Ask a server on this computer whether it is well.
    Ping,
    /// Write whose work the program is made of.
    Licences,
}

/// What `--version` prints.
static STAMP: LazyLock<String> = LazyLock::new(|| stamp::text(&[]));

/// The command line: one flag for each setting, and what a program needs beside them.
pub fn command() -> Command {
    let command = Command::new("parlor-server")
        .version(crate::version())
        .long_version(STAMP.as_str())
        .about("Rooms and streams for Parlor, on one port.")
        .long_about(
            "Rooms and streams for Parlor, on one port. Prints one line of JSON when it is ready; logs go to standard error.\n\n\
             Every setting is a flag, an environment variable and a key of the file given with --config; a flag counts more than a \
             variable, and that more than the file. SIGTERM ends the program well, SIGHUP makes it read its settings again.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .env("PARLOR_CONFIG")
                .value_parser(clap::value_parser!(PathBuf))
                .help("File with settings (TOML)"),
        )
        .arg(Arg::new("check").long("check").action(ArgAction::SetTrue).help("Say whether the settings are good, and end"))
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .action(ArgAction::SetTrue)
                .help("Write the settings in effect as a file, secrets masked, and end"),
        );
    let command = command.arg(
        Arg::new("rotate-keys")
            .long("rotate-keys")
            .action(ArgAction::SetTrue)
            .help("Make another key that signs tokens, and end; a running server takes it on SIGHUP"),
    );
    let command = command.arg(
        Arg::new("ping")
            .long("ping")
            .action(ArgAction::SetTrue)
            .help("Ask the server that runs on this computer with these settings whether it is well, and end"),
    );
    let command = command.arg(
        Arg::new("licences")
            .long("licences")
            .action(ArgAction::SetTrue)
            .help("Write whose work Parlor is made of, with the licences, and end"),
    );
    keys().iter().fold(command, |command, key| command.arg(flag(key)))
}

fn flag(key: &'static Key) -> Arg {
    let default = if key.default.is_empty() { String::new() } else { format!(" [default: {}]", key.default.join(",")) };
    let help = format!("{} [env: {}]{default}", key.help.trim_end_matches('.'), key.env);
    let heading = key.name.split_once('.').map(|(section, _)| section);
    let arg = Arg::new(key.name.as_str()).long(key.flag.as_str()).value_name(key.value_name).help(help);
    let arg = if let Some(section) = heading { arg.help_heading(section) } else { arg };
    match key.shape {
        Shape::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Shape::List => arg.action(ArgAction::Append).value_delimiter(','),
        Shape::Number | Shape::Text | Shape::Secret => arg,
    }
}

/// What the command line asks for, and where the settings come from.
pub fn read(matches: &ArgMatches, variable: impl Fn(&str) -> Option<String>) -> (Task, Sources) {
    let tasks = [
        ("licences", Task::Licences),
        ("check", Task::Check),
        ("print-config", Task::Print),
        ("rotate-keys", Task::RotateKeys),
        ("ping", Task::Ping),
    ];
    let task = tasks.into_iter().find(|(name, _)| matches.get_flag(name)).map_or(Task::Serve, |(_, task)| task);
    let mut sources = Sources::default().with_environment(variable);
    if let Some(file) = matches.get_one::<PathBuf>("config") {
        sources = sources.with_file(file);
    }
    for key in keys() {
        if matches.value_source(&key.name) == Some(ValueSource::CommandLine)
            && let Some(words) = matches.get_many::<String>(&key.name)
        {
            sources = sources.with_flag(key, words.cloned().collect());
        }
    }
    (task, sources)
}
