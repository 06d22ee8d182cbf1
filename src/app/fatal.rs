//! The last words of a program that cannot go on: on its standard error, and where nobody reads that, in a box of the system's own.
//!
//! On Windows the program has no console: one that was started from a terminal borrows the terminal's, so that `parlor --help` can be read.
//! On Linux what a program says goes to the terminal or the session's journal, and there is no box that every desktop has.

use super::i18n::{Lang, Texts};
use super::{crash, run};
use std::any::Any;
use std::path::Path;

/// Borrows the terminal that the program was started from, if it has none of its own. Call it before anything is printed.
pub fn borrow_console() {
    #[cfg(windows)]
    windows::borrow_console();
}

/// What to say when no window could be opened.
pub fn no_window(lang: Lang, error: &run::Error) -> String {
    let texts = Texts::new(lang);
    match error {
        run::Error::Runtime(error) => texts.with("fatal-runtime", &[("reason", (&error.to_string()).into())]),
        run::Error::NoRenderer(reasons) => {
            let advice = if cfg!(target_os = "linux") { "fatal-no-window-linux" } else { "fatal-no-window" };
            format!("{}\n\n{reasons}", texts.t(advice))
        }
    }
}

/// What to say after a panic of the thread that draws; `config` is where the settings are, with the report beside them.
pub fn stopped(lang: Lang, panic: &(dyn Any + Send), config: Option<&Path>) -> String {
    let texts = Texts::new(lang);
    let reason = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let reason = reason.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let mut said = texts.with("fatal-stopped", &[("reason", (&reason).into())]);
    if let Some(config) = config {
        let folder = crash::folder(config).display().to_string();
        said = format!("{said}\n\n{}", texts.with("fatal-report", &[("folder", (&folder).into())]));
    }
    said
}

/// Says it to whoever started the program.
pub fn tell(words: &str) {
    eprintln!("{words}");
    show(words);
}

/// Shows it in a box, if nobody reads what was printed.
#[cfg_attr(not(any(windows, target_os = "macos")), expect(unused_variables))]
pub fn show(words: &str) {
    #[cfg(any(windows, target_os = "macos"))]
    if unseen() {
        rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title("Parlor").set_description(words).show();
    }
}

#[cfg(windows)]
use windows::unseen;

/// Whether nobody reads the standard error.
#[cfg(target_os = "macos")]
fn unseen() -> bool {
    !std::io::IsTerminal::is_terminal(&std::io::stderr())
}

#[cfg(windows)]
mod windows {
    #![allow(unsafe_code)]

    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::System::Console::{ATTACH_PARENT_PROCESS, AttachConsole};

    pub(super) fn borrow_console() {
        // With a place to write to, what is written must stay there.
        if unseen() {
            // SAFETY: it takes no pointer; without a console to borrow it fails, and nothing has changed.
            unsafe { AttachConsole(ATTACH_PARENT_PROCESS) };
        }
    }

    /// Whether there is neither a console nor a file behind the standard error.
    pub(super) fn unseen() -> bool {
        std::io::stderr().as_raw_handle().is_null()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_say_why_and_what_to_do_in_both_languages() {
        for (lang, word) in [(Lang::En, "graphics driver"), (Lang::Zh, "显卡驱动")] {
            let said = no_window(lang, &run::Error::NoRenderer("Glow: no display".into()));
            assert!(said.contains(word) && said.contains("Glow: no display"), "{said}");
            let said = no_window(lang, &run::Error::Runtime(std::io::Error::other("no sockets")));
            assert!(said.contains("no sockets"), "{said}");
        }
    }

    #[test]
    fn after_a_panic_its_report_is_named() {
        for panic in [std::panic::catch_unwind(|| panic!("row {}", 7)), std::panic::catch_unwind(|| panic!("row 7"))] {
            let panic = panic.unwrap_err();
            let said = stopped(Lang::En, &*panic, Some(Path::new("/home/ada/parlor.json")));
            assert!(said.contains("row 7") && said.contains("/home/ada/parlor.crashes"), "{said}");
            assert!(!stopped(Lang::Zh, &*panic, None).contains("crashes"));
        }
    }
}
