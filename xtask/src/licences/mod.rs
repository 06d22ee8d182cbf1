//! `cargo xtask licences`: writes down whose work Parlor is made of, under which terms. The list comes from `cargo metadata` and from the
//! files that lie in the packages themselves; the app shows it, `parlor-server --licences` prints it, and every package to install has it.

mod others;
mod page;
mod parts;
mod text;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::command::root;
use crate::packages;

/// Where it is written.
pub const FILE: &str = "assets/licences/THIRD-PARTY.txt";

pub fn run() -> Result<ExitCode> {
    let systems = systems()?;
    let mut more = vec!["--all-features"];
    more.extend(systems.iter().flat_map(|system| ["--filter-platform", system]));
    let listed = parts::list(&packages::metadata(&more)?)?;
    let text = page::write(&listed, &locked()?);
    fs::write(root().join(FILE), &text).with_context(|| format!("writing {FILE}"))?;
    println!("{FILE}: {} parts, {} texts, {} KB", listed.parts.len(), listed.texts.len(), text.len() / 1000);
    Ok(ExitCode::SUCCESS)
}

/// The systems that Parlor runs on, as `deny.toml` has them.
fn systems() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join("deny.toml")).context("reading deny.toml")?;
    let line = text.lines().find(|line| line.starts_with("targets = [")).context("deny.toml without targets")?;
    Ok(line.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// A sum over all foreign packages in `Cargo.lock`: whoever changes one has to write the list anew.
fn locked() -> Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("reading Cargo.lock")?;
    let foreign = lock.split("[[package]]").filter(|package| package.contains("checksum = "));
    let lines = foreign.flat_map(str::lines).filter(|line| line.starts_with("name") || line.starts_with("checksum"));
    let sum = lines.fold(Sha256::new(), |sum, line| sum.chain_update(line).chain_update("\n"));
    Ok(sum.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> String {
        fs::read_to_string(root().join(FILE)).unwrap()
    }

    #[test]
    fn the_list_is_of_the_packages_in_the_lock_file() {
        let said = format!("{}{}", page::LOCKED, locked().unwrap());
        assert!(written().lines().any(|line| line == said), "Cargo.lock has changed: cargo xtask licences");
    }

    #[test]
    fn all_that_is_compiled_in_here_is_on_the_list() {
        let host = packages::host().unwrap();
        let metadata = packages::metadata(&["--all-features", "--offline", "--filter-platform", &host]).unwrap();
        let (text, linked) = (written(), packages::linked(&metadata).unwrap());
        assert!(linked.len() > 300, "{}", linked.len());
        for package in linked {
            let name = parts::name(package);
            assert!(text.contains(&format!("\n{name} | ")), "{name}: cargo xtask licences");
        }
    }

    #[test]
    fn every_font_and_everything_else_that_is_packed_is_on_the_list() {
        let text = written();
        for other in others::ALL {
            assert!(text.contains(&format!("\n{} | {} | ", other.name, other.licence)), "{}: cargo xtask licences", other.name);
        }
        for file in fs::read_dir(root().join("assets/fonts")).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            let known = others::ALL.iter().any(|other| other.files.contains(&file.as_str()));
            assert!(known || file == "README.md", "{file} belongs to nothing in xtask/src/licences/others.rs");
        }
    }
}
