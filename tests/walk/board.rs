//! A window to share: a board with a drawing on it, which has to be told from everything else on the screen.

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, MapState, PropMode,
    Rectangle, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Its ground: no colour of the program or of the test pattern.
pub const ORANGE: [u8; 3] = [0xf0, 0x90, 0x20];
const BARS: u32 = 0x0040_2060;
const SIZE: (u16, u16) = (480, 300);

/// It is closed when dropped.
pub struct Board {
    _x: RustConnection,
}

impl Board {
    pub fn open(display: &str, title: &str) -> Self {
        let (x, number) = x11rb::connect(Some(display)).unwrap();
        let screen = &x.setup().roots[number];
        let (window, picture, pen) = (x.generate_id().unwrap(), x.generate_id().unwrap(), x.generate_id().unwrap());
        let look = CreateWindowAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        let kind = WindowClass::INPUT_OUTPUT;
        x.create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            window,
            screen.root,
            10,
            440,
            SIZE.0,
            SIZE.1,
            0,
            kind,
            x11rb::COPY_FROM_PARENT,
            &look,
        )
        .unwrap();
        x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes()).unwrap();
        // The server keeps the drawing and shows it wherever the window is uncovered.
        x.create_pixmap(screen.root_depth, picture, window, SIZE.0, SIZE.1).unwrap();
        let ground = u32::from_be_bytes([0, ORANGE[0], ORANGE[1], ORANGE[2]]);
        let whole = Rectangle { x: 0, y: 0, width: SIZE.0, height: SIZE.1 };
        let bars: Vec<Rectangle> = [120, 60, 190, 90, 150]
            .into_iter()
            .zip((50..).step_by(80))
            .map(|(height, x)| Rectangle { x, y: 250 - height, width: 50, height: height as u16 })
            .collect();
        for (colour, shapes) in [(ground, &[whole][..]), (BARS, &bars)] {
            x.create_gc(pen, picture, &CreateGCAux::new().foreground(colour)).unwrap();
            x.poly_fill_rectangle(picture, pen, shapes).unwrap();
            x.free_gc(pen).unwrap();
        }
        x.change_window_attributes(window, &ChangeWindowAttributesAux::new().background_pixmap(picture)).unwrap();
        super::poll("the board", || {
            // One that is asked for while the window manager starts may stay invisible.
            x.map_window(window).unwrap();
            let state = x.get_window_attributes(window).unwrap().reply().unwrap().map_state;
            (state == MapState::VIEWABLE).then_some(())
        });
        Self { _x: x }
    }
}
