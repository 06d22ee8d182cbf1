//! Sources of picture and sound as they stand in a form: a word chosen from a list, and the path of a file that is typed below it.

use crate::media::capture::{AudioSource, VideoSource};
use std::path::Path;

/// Stands for "a file" in a list.
pub const FILE: &str = "file";

/// The word and the path of a picture's source.
pub fn words_of_video(source: &VideoSource) -> (String, String) {
    match source {
        VideoSource::File(file) => words_of_file(file),
        other => (other.to_string(), String::new()),
    }
}

/// The same of a sound's source.
pub fn words_of_audio(source: &AudioSource) -> (String, String) {
    match source {
        AudioSource::File(file) => words_of_file(file),
        other => (other.to_string(), String::new()),
    }
}

fn words_of_file(file: &Path) -> (String, String) {
    (FILE.to_owned(), file.display().to_string())
}

/// The picture's source that a word and a path stand for; none while no path is typed.
pub fn video(word: &str, path: &str) -> VideoSource {
    match (word, path.trim()) {
        (FILE, "") => VideoSource::None,
        (FILE, path) => VideoSource::File(path.into()),
        (word, _) => word.parse().unwrap_or_default(),
    }
}

/// The same for sound.
pub fn audio(word: &str, path: &str) -> AudioSource {
    match (word, path.trim()) {
        (FILE, "") => AudioSource::None,
        (FILE, path) => AudioSource::File(path.into()),
        (word, _) => word.parse().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_the_same_after_it_has_been_in_a_form() {
        for source in [VideoSource::default(), VideoSource::Pattern, VideoSource::None, VideoSource::File("a b/c.mp4".into())] {
            let (word, path) = words_of_video(&source);
            assert_eq!(video(&word, &path), source);
        }
        for source in [AudioSource::default(), AudioSource::Tone, AudioSource::None, AudioSource::File("a b/c.wav".into())] {
            let (word, path) = words_of_audio(&source);
            assert_eq!(audio(&word, &path), source);
        }
        assert_eq!((video(FILE, "  "), audio(FILE, "")), (VideoSource::None, AudioSource::None));
        assert_eq!(video("no such word", ""), VideoSource::default());
    }
}
