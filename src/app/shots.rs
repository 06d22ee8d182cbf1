//! What the command line asks for at certain times: pictures of the window, and the end.

use super::cli::{Args, Screenshot};
use super::prejoin::preview::Wake;
use crate::base::Queue;
use egui::{ColorImage, Context, ViewportCommand};
use std::path::Path;
use std::time::Duration;

/// What is still to be done.
#[derive(Debug)]
pub struct Timetable {
    started: Duration,
    shots: Vec<Screenshot>,
    exit: Option<f64>,
    failures: Queue<String>,
}

impl Timetable {
    /// The timetable of `args`; the program started at `now`.
    pub fn new(args: &Args, now: Duration) -> Self {
        let mut shots = args.screenshot.clone();
        shots.sort_by(|a, b| b.at.total_cmp(&a.at));
        Self { started: now, shots, exit: args.exit_after, failures: Queue::bounded(8) }
    }

    /// Does what is due, and asks to be called again for the next entry.
    pub fn keep(&mut self, ctx: &Context, now: Duration, wake: &Wake) {
        let elapsed = now.saturating_sub(self.started).as_secs_f64();
        while let Some(shot) = self.shots.pop_if(|shot| shot.at <= elapsed) {
            let (failures, wake) = (self.failures.clone(), wake.clone());
            ctx.request_screenshot(move |image| {
                if let Err(error) = save(&image, &shot.file) {
                    tracing::error!(%error, file = %shot.file.display(), "no screenshot");
                    failures.push(error);
                    wake();
                }
            });
        }
        if self.exit.is_some_and(|at| at <= elapsed) {
            self.exit = None;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        if let Some(next) = self.shots.last().map(|shot| shot.at).into_iter().chain(self.exit).reduce(f64::min) {
            ctx.request_repaint_after(Duration::from_secs_f64((next - elapsed).max(0.0)));
        }
    }

    /// Why a picture could not be saved.
    pub fn failure(&self) -> Option<String> {
        self.failures.pop()
    }
}

fn save(image: &ColorImage, file: &Path) -> Result<(), String> {
    let size = |side: usize| u32::try_from(side).map_err(|e| e.to_string());
    let (width, height) = (size(image.size[0])?, size(image.size[1])?);
    image::save_buffer_with_format(file, image.as_raw(), width, height, image::ColorType::Rgba8, image::ImageFormat::Png)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_saved_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.png");
        let image = ColorImage::from_rgba_premultiplied([2, 1], &[1, 2, 3, 255, 250, 251, 252, 255]);
        save(&image, &file).unwrap();
        let read = std::fs::read(&file).unwrap();
        assert_eq!(&read[1..4], b"PNG");
        assert!(save(&image, &folder.path().join("no/such/folder.png")).is_err());
    }
}
