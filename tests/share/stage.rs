//! A screen, and plain windows on it.

use parlor::media::capture::screen::Target;
use parlor_lab::poll;
use parlor_lab::screen::{Screen, xdotool};
use parlor_lab::sound::Sound;
use std::path::Path;
use std::process::Command;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, StackMode,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Says to a test that it is where the screen is.
const INSIDE: &str = "PARLOR_TEST_SCREEN";

/// Runs `body` where there is a screen: the test called `name` starts itself again there.
pub fn on_a_screen(name: &str, body: impl FnOnce()) {
    with(name, None, body);
}

/// The same where there are these sound devices, too.
pub fn with(name: &str, sound: Option<fn() -> Sound>, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let screen = Screen::start().unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside.args([name, "--exact", "--nocapture", "--test-threads", "1"]);
    let runtime = tempfile::tempdir().unwrap();
    screen.take(&mut inside).env(INSIDE, "1").env("XDG_RUNTIME_DIR", runtime.path());
    let sound = sound.map(|start| start());
    if let Some(sound) = &sound {
        sound.take(&mut inside);
    }
    let status = inside.status().unwrap();
    assert!(status.success(), "on the screen: {status}");
}

/// Mouse and keyboard of the screen that one is on.
pub fn press(args: &[&str]) -> String {
    xdotool(&std::env::var("DISPLAY").unwrap(), args).unwrap()
}

/// A window of one colour.
pub struct Plain {
    x: RustConnection,
    id: u32,
}

impl Plain {
    pub fn open(title: &str, (left, top): (i16, i16), (width, height): (u16, u16), colour: u32) -> Self {
        let (x, number) = x11rb::connect(None).unwrap();
        let screen = &x.setup().roots[number];
        let id = x.generate_id().unwrap();
        let look = CreateWindowAux::new().background_pixel(colour).event_mask(EventMask::STRUCTURE_NOTIFY);
        let (depth, visual) = (x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
        x.create_window(depth, id, screen.root, left, top, width, height, 0, WindowClass::INPUT_OUTPUT, visual, &look).unwrap();
        x.change_property8(PropMode::REPLACE, id, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes()).unwrap();
        // Where it is put is not left to the window manager: user-specified position (ICCCM 4.1.2.3).
        let hints = [1_u32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        x.change_property32(PropMode::REPLACE, id, AtomEnum::WM_NORMAL_HINTS, AtomEnum::WM_SIZE_HINTS, &hints).unwrap();
        let window = Self { x, id };
        poll("the window", || {
            // One that is asked for while the window manager starts may stay invisible.
            window.x.map_window(id).unwrap();
            let attributes = window.x.get_window_attributes(id).unwrap().reply().unwrap();
            (attributes.map_state == x11rb::protocol::xproto::MapState::VIEWABLE).then_some(())
        });
        window
    }

    pub fn target(&self) -> Target {
        Target::Window(self.id.into())
    }

    pub fn paint(&self, colour: u32) {
        self.x.change_window_attributes(self.id, &ChangeWindowAttributesAux::new().background_pixel(colour)).unwrap();
        self.x.clear_area(false, self.id, 0, 0, 0, 0).unwrap();
        self.x.flush().unwrap();
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.x.configure_window(self.id, &ConfigureWindowAux::new().width(width).height(height)).unwrap();
        self.x.flush().unwrap();
    }

    pub fn raise(&self) {
        self.x.configure_window(self.id, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE)).unwrap();
        self.x.flush().unwrap();
    }

    pub fn close(self) {
        self.x.destroy_window(self.id).unwrap();
        self.x.flush().unwrap();
    }
}

/// Keeps a picture for people to look at, with PARLOR_TEST_PICTURES set to a folder.
pub fn keep(name: &str, rgba: &parlor::media::frame::Rgba) {
    if let Some(folder) = std::env::var_os("PARLOR_TEST_PICTURES") {
        let picture = image::RgbaImage::from_raw(rgba.width, rgba.height, rgba.data.to_vec()).unwrap();
        picture.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}
