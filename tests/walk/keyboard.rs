//! A keyboard with Chinese on it. xdotool would teach the screen each letter at the moment when it types it, and programs that look a moment later
//! read another one; this one knows all of them from the beginning.

use std::collections::BTreeSet;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::ConnectionExt as _;

/// Keysyms of letters beyond Latin are their numbers in Unicode and this bit.
const UNICODE: u32 = 0x0100_0000;
/// Where the keys begin that no test presses: of players, lamps and laptops.
const SPARE: u8 = 180;

/// Puts every letter of `text` that no usual keyboard has onto a key.
pub fn teach(display: &str, text: &str) {
    let (x, _) = x11rb::connect(Some(display)).unwrap();
    let letters: BTreeSet<u32> = text.chars().map(u32::from).filter(|letter| *letter > 0xff).collect();
    let last = x.setup().max_keycode;
    assert!(letters.len() <= usize::from(last - SPARE), "too many letters for the keys that are free");
    for (key, letter) in (SPARE..=last).rev().zip(letters) {
        let keysym = UNICODE | letter;
        x.change_keyboard_mapping(1, key, 2, &[keysym, keysym]).unwrap().check().unwrap();
    }
    x.flush().unwrap();
}
