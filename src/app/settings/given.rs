//! What whoever installed the program has chosen for everybody on this computer: where a person who has chosen nothing yet begins.

use super::{ServerChoice, Settings};
use crate::proto::address::Address;

/// Where the installer for Windows (`wix/main.wxs`) puts what it was told.
#[cfg(windows)]
const KEY: &str = r"Software\Parlor";

/// The settings of somebody who has none.
pub(super) fn first() -> Settings {
    beginning_with(server())
}

fn beginning_with(server: Option<String>) -> Settings {
    let server = server.map(|address| address.trim().to_owned()).filter(|address| !address.is_empty());
    let Some(address) = server else { return Settings::default() };
    if let Err(error) = address.parse::<Address>() {
        tracing::warn!(address, %error, "the server that this computer was given has no valid address");
        return Settings::default();
    }
    Settings { server: ServerChoice::Address(address.clone()), address, ..Settings::default() }
}

#[cfg(windows)]
fn server() -> Option<String> {
    windows_registry::LOCAL_MACHINE.open(KEY).and_then(|key| key.get_string("Server")).ok()
}

#[cfg(not(windows))]
fn server() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_given_server_is_the_first_one() {
        let given = beginning_with(Some(" calls.example:1935\n".into()));
        assert_eq!(given.server, ServerChoice::Address("calls.example:1935".into()));
        assert_eq!(given.address, "calls.example:1935");
        for nothing in [None, Some(String::new()), Some("  ".into()), Some("no server at all".into())] {
            assert_eq!(beginning_with(nothing), Settings::default());
        }
    }
}
