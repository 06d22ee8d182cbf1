//! The desktop program.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use clap::Parser;
use parlor::app::i18n::Lang;
use parlor::app::{cli::Args, fatal, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    fatal::borrow_console();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            _ = error.print();
            if error.use_stderr() {
                fatal::show(&error.render().to_string());
            }
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    parlor::base::log::init(parlor::base::log::Format::Pretty);
    let lang = args.lang.unwrap_or_else(Lang::of_system);
    let config = args.config_path();
    let words = match catch_unwind(AssertUnwindSafe(|| run::run(args))) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => fatal::no_window(lang, &error),
        Err(panic) => fatal::stopped(lang, &*panic, config.as_deref()),
    };
    fatal::tell(&words);
    ExitCode::FAILURE
}
