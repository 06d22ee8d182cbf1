//! Which libraries a Windows program asks for (PE format, "Import Directory Table").

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::LittleEndian;
use object::read::pe::PeFile64;

/// Their names, as the file writes them.
pub fn of(file: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    read(&bytes).with_context(|| format!("{} is no 64-bit program for Windows", file.display()))
}

fn read(bytes: &[u8]) -> Result<Vec<String>> {
    let program = PeFile64::parse(bytes)?;
    let Some(table) = program.import_table()? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        names.push(String::from_utf8_lossy(table.name(descriptor.name.get(LittleEndian))?).into_owned());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_program_is_refused() {
        assert!(super::read(b"#!/bin/sh").is_err());
        assert!(super::read(&[]).is_err());
    }
}
