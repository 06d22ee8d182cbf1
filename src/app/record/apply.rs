//! What recordings' clicks do, and what is said about them.

use super::{Action, place};
use crate::app::view;
use crate::app::{App, Page};
use crate::base::Worker;
use crate::call::{Command, Event};
use crate::media::record::{Error, ErrorKind};
use crate::ui::toast::Kind;
use std::path::{Path, PathBuf};

impl App {
    pub(in crate::app) fn apply_record(&mut self, action: Action) {
        match action {
            Action::Start(what) => {
                if let Some(place) = self.recording_place() {
                    self.command(Command::Record { what, place });
                }
            }
            Action::Stop(what) => self.command(Command::StopRecording(what)),
            Action::Snapshot(of) => {
                if let Some(place) = self.recording_place() {
                    self.command(Command::TakeSnapshot { of, folder: place.folder });
                }
            }
            Action::Reveal(path) => self.reveal(path),
        }
    }

    fn recording_place(&mut self) -> Option<crate::call::Place> {
        let place = place(&self.settings);
        if place.is_none() {
            self.say_recording(Kind::Error, self.texts.t("record-no-folder"), None);
        }
        place
    }

    /// What happened to recordings and snapshots, in words.
    pub(in crate::app) fn recording_event(&mut self, event: Event) {
        match event {
            Event::PeerRecording { name, on, .. } => {
                let key = if on { "toast-recording-on" } else { "toast-recording-off" };
                self.say_recording(Kind::Info, self.texts.with(key, &[("name", (&name).into())]), None);
            }
            Event::RecordingEnded { name, files, error: None } => self.recorded(&name, files),
            Event::RecordingEnded { name, files, error: Some(error) } => {
                let reason = self.why_not_written(&error);
                let text = self.texts.with("toast-record-failed", &[("name", (&name).into()), ("reason", (&reason).into())]);
                self.say_recording(Kind::Error, text, files.into_iter().next_back());
            }
            Event::SnapshotTaken { name, path } => {
                let text = self.texts.with("toast-snapshot", &[("name", (&name).into()), ("file", (&file_name(&path)).into())]);
                self.say_recording(Kind::Success, text, Some(path));
            }
            Event::SnapshotFailed { name, error } => {
                let reason = error.map_or_else(|| self.texts.t("snapshot-no-picture"), |error| self.why_not_written(&error));
                let text = self.texts.with("toast-snapshot-failed", &[("name", (&name).into()), ("reason", (&reason).into())]);
                self.say_recording(Kind::Error, text, None);
            }
            _ => {}
        }
    }

    /// Says where recordings are that end because the call does: nobody hears the call's last words.
    pub(in crate::app) fn say_goodbye_to_recordings(&mut self) {
        let Page::Call(session) = &self.page else { return };
        let ended: Vec<_> =
            session.snapshot().me.recordings.iter().map(|recording| (recording.name.clone(), recording.files.clone())).collect();
        for (name, files) in ended {
            self.recorded(&name, files);
        }
    }

    fn recorded(&mut self, name: &str, files: Vec<PathBuf>) {
        let Some(last) = files.last().cloned() else {
            let text = self.texts.with("toast-record-nothing", &[("name", name.into())]);
            return self.say_recording(Kind::Error, text, None);
        };
        let file = file_name(&last);
        let values = [("name", name.into()), ("file", (&file).into()), ("count", files.len().into())];
        self.say_recording(Kind::Success, self.texts.with("toast-recorded", &values), Some(last));
    }

    fn say_recording(&mut self, kind: Kind, text: String, file: Option<PathBuf>) {
        let action = file.map(|file| (self.texts.t("show-in-folder"), view::Action::Record(Action::Reveal(file))));
        self.toasts.push(kind, text, action, self.clock.now());
    }

    fn why_not_written(&self, error: &Error) -> String {
        let path = error.path.display().to_string();
        let key = match error.kind() {
            ErrorKind::Full => "record-disk-full",
            ErrorKind::Folder => "record-bad-folder",
            ErrorKind::Other => "record-cannot-write",
        };
        self.texts.with(key, &[("path", (&path).into()), ("reason", error.cause.to_string().as_str().into())])
    }

    /// Opens the file manager, which may take its time, on a thread of its own.
    fn reveal(&mut self, path: PathBuf) {
        let (unshown, wake) = (self.unshown.clone(), self.wake.clone());
        let open = move |_: &crate::base::Stop| {
            if let Err(error) = opener::reveal(&path) {
                tracing::warn!(%error, path = %path.display(), "the folder cannot be shown");
                unshown.put(path);
                wake();
            }
        };
        match Worker::spawn("reveal", open) {
            Ok(worker) => drop(self.janitor.put_away(worker, || {})),
            Err(error) => tracing::error!(%error, "no thread to show a folder"),
        }
    }

    /// There is no file manager, or it does not answer: says where the file is.
    pub(in crate::app) fn cannot_show(&mut self, path: &Path) {
        let path = path.display().to_string();
        let copy = view::Action::Copy { text: path.clone(), said: self.texts.t("toast-path-copied") };
        let text = self.texts.with("record-cannot-show", &[("path", (&path).into())]);
        self.toasts.push(Kind::Error, text, Some((self.texts.t("copy-path"), copy)), self.clock.now());
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
