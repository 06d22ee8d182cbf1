//! The list as a text that people can read and that the app can take apart again: see `src/app/licences`.

use std::fmt::Write as _;

use super::parts::Listed;

/// Before the sum over `Cargo.lock`.
pub const LOCKED: &str = "Packages: ";

/// Writes it. What stands at the beginning of a line is a heading; what belongs to it is indented.
pub fn write(listed: &Listed, locked: &str) -> String {
    let mut to = String::from(
        "What Parlor is made of, and under which licences\n\n\
         Parlor itself is under the MIT licence or the Apache licence 2.0, as you like. Below are the libraries, fonts and other\n\
         things in its programs and packages, on all systems; of each: its name, its licence (SPDX), the numbers of the texts that\n\
         it came with, and whose it is. The texts follow, each once.\n\n\
         Written by `cargo xtask licences`.\n",
    );
    // Writing into a text cannot fail.
    let _ = writeln!(to, "{LOCKED}{locked}\n\n== PARTS ==\n");
    for part in &listed.parts {
        let texts: Vec<String> = part.texts.iter().map(|text| (text + 1).to_string()).collect();
        let _ = writeln!(to, "{} | {} | {}", part.name, part.licence, texts.join(" "));
        for notice in &part.notices {
            let _ = writeln!(to, "    {notice}");
        }
    }
    to += "\n== TEXTS ==\n";
    for (number, (name, body)) in listed.texts.iter().enumerate() {
        let _ = writeln!(to, "\n{} | {name}\n", number + 1);
        for line in body.lines() {
            let _ = writeln!(to, "{}{line}", if line.is_empty() { "" } else { "    " });
        }
    }
    to
}
