//! Recordings and snapshots as a person sees them: entries in the tiles' menus, the bar that says what is recorded and by whom, and the mark on
//! the tile of whoever records.

mod apply;
mod mark;

pub use mark::mark;

use super::settings::Settings;
use super::view::{self, Cx};
use crate::call::snapshot::Recording;
use crate::call::{Peer, Place, Recorded, Snapshot};
use crate::proto::MemberId;
use crate::ui::button::{self, Button};
use crate::ui::icons;
use crate::ui::menu::Item;
use crate::ui::theme::{self, radius, size, space};
use egui::{Align, CornerRadius, Frame, Label, Layout, Margin, RichText, Ui};
use std::path::PathBuf;
use std::time::Duration;

/// How often the bar's time goes on.
const TICK: Duration = Duration::from_millis(500);

/// A click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin to record.
    Start(Recorded),
    /// End that.
    Stop(Recorded),
    /// Take a snapshot of somebody; `None`: of oneself.
    Snapshot(Option<MemberId>),
    /// Show a file in its folder.
    Reveal(PathBuf),
}

impl Action {
    /// Begins a recording, or ends it if it is `on`.
    pub fn toggle(what: Recorded, on: bool) -> Self {
        if on { Self::Stop(what) } else { Self::Start(what) }
    }
}

/// Where recordings go; `None` where no folder is known.
pub fn place(settings: &Settings) -> Option<Place> {
    let folder = settings.recordings_folder()?;
    let minutes = settings.record_slice_minutes;
    Some(Place { folder, slice: (minutes > 0).then(|| Duration::from_secs(u64::from(minutes) * 60)) })
}

/// The entries of a tile's menu: a snapshot, and a recording that is begun or ended.
pub fn menu(ui: &mut Ui, cx: &mut Cx<'_>, of: Option<&MemberId>, recordings: &[Recording]) {
    let what = of.map_or(Recorded::Me, |member| Recorded::Peer(member.clone()));
    let on = recordings.iter().any(|recording| recording.what == what);
    if Item::new(icons::ICON_PHOTO_CAMERA, &cx.t("snapshot-take")).show(ui).clicked() {
        cx.act(view::Action::Record(Action::Snapshot(of.cloned())));
    }
    let (key, icon) = match (on, of) {
        (true, _) => ("record-stop", icons::ICON_STOP_CIRCLE),
        (false, None) => ("record-me", icons::ICON_FIBER_MANUAL_RECORD),
        (false, Some(_)) => ("record-person", icons::ICON_FIBER_MANUAL_RECORD),
    };
    if Item::new(icon, &cx.t(key)).show(ui).clicked() {
        cx.act(view::Action::Record(Action::toggle(what, on)));
    }
}

/// Says above the stage what is recorded here, with a button to end it, and who else records.
pub fn bar(ui: &mut Ui, cx: &mut Cx<'_>, snapshot: &Snapshot) {
    for recording in &snapshot.me.recordings {
        let minutes = recording.length.as_secs() / 60;
        let length = format!("{minutes:02}:{:02}", recording.length.as_secs() % 60);
        let values = [("name", recording.name.clone()), ("length", length), ("size", megabytes(recording.bytes))];
        let values: Vec<_> = values.iter().map(|(key, value)| (*key, value.into())).collect();
        let key = match (&recording.what, recording.lost, recording.sound_only) {
            (_, _, true) => "record-bar-sound",
            (_, 1.., _) => "record-bar-slow",
            (Recorded::Me, 0, _) => "record-bar-me",
            (Recorded::Peer(_) | Recorded::Stage, 0, _) => "record-bar",
        };
        if row(ui, &cx.with(key, &values), Some(&cx.t("record-stop"))) {
            cx.act(view::Action::Record(Action::Stop(recording.what.clone())));
        }
        ui.add_space(space::XS);
        ui.ctx().request_repaint_after(TICK);
    }
    let others: Vec<&Peer> = snapshot.peers.iter().filter(|peer| peer.recording).collect();
    if !others.is_empty() {
        let names = others.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>().join(&cx.t("list-and"));
        row(ui, &cx.with("record-by", &[("names", (&names).into())]), None);
        ui.add_space(space::XS);
    }
}

/// A line with the sign of a recording, and a button at its end; returns whether that was clicked.
fn row(ui: &mut Ui, text: &str, button: Option<&str>) -> bool {
    let p = theme::palette(ui);
    let frame = Frame::new()
        .fill(p.danger_soft)
        .corner_radius(CornerRadius::same(radius::CONTROL + 2))
        .inner_margin(Margin::symmetric(space::M as i8, if button.is_some() { 5 } else { 8 }));
    let content = |ui: &mut Ui| {
        button::sign(ui, icons::ICON_FIBER_MANUAL_RECORD, size::ICON, p.danger);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let clicked = button.is_some_and(|text| ui.add(Button::new(text).icon(icons::ICON_STOP_CIRCLE)).clicked());
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(text).color(p.text)).truncate());
            });
            clicked
        })
        .inner
    };
    frame.show(ui, |ui| ui.horizontal(content).inner).inner
}

/// A size as people read it.
fn megabytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 9.95 { format!("{megabytes:.1}") } else { format!("{megabytes:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_go_where_the_person_wants_them() {
        let mut settings = Settings { recordings: "/films".into(), record_slice_minutes: 0, ..Settings::default() };
        assert_eq!(place(&settings), Some(Place { folder: "/films".into(), slice: None }));
        settings.record_slice_minutes = 10;
        assert_eq!(place(&settings).and_then(|place| place.slice), Some(Duration::from_secs(600)));
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!((megabytes(0), megabytes(1_240_000), megabytes(23_700_000)), ("0.0".into(), "1.2".into(), "24".into()));
    }
}
