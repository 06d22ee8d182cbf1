//! A program from an archive keeps what it writes beside itself, so that a stick or a folder is all there is of it.

use std::path::{Path, PathBuf};

/// What makes a program a portable one, when it lies beside it. The archives have it, the packages and the installer have not.
const MARK: &str = "PORTABLE.txt";

/// The folder for data beside the program, if it is a portable one, or is `asked` to be.
pub fn folder(asked: bool) -> Option<PathBuf> {
    beside(std::env::current_exe().ok()?.parent()?, asked)
}

fn beside(programs: &Path, asked: bool) -> Option<PathBuf> {
    (asked || programs.join(MARK).is_file()).then(|| programs.join("data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_lies_beside_a_program_from_an_archive_and_one_that_is_told_so() {
        let programs = tempfile::tempdir().unwrap();
        let data = Some(programs.path().join("data"));
        assert_eq!((beside(programs.path(), false), beside(programs.path(), true)), (None, data.clone()));
        std::fs::write(programs.path().join(MARK), "").unwrap();
        assert_eq!(beside(programs.path(), false), data);
    }
}
