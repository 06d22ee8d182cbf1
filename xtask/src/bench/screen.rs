//! A private screen: Xvfb with a window manager, whose pixels are read straight from its frame buffer.
//!
//! Xvfb keeps the screen in a file (`-fbdir`), mapped into its memory. Reading that file disturbs nobody and never
//! waits for the X server, so what is read is what a monitor would show at that moment.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::mark::{self, CELLS_ACROSS, CELLS_DOWN, Gray, Place};
use crate::command::{Running, find, output};
use crate::temporary::Folder;

/// Pause between two looks at the screen. Far below a picture's 33 ms, and cheap enough not to disturb.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long the window manager may take to start.
const MANAGER_STARTS: Duration = Duration::from_secs(60);

/// A part of the screen, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// A screen with nobody in front of it. Programs on it end with it.
pub struct Screen {
    _manager: Running,
    _server: Running,
    display: String,
    width: usize,
    height: usize,
    buffer: File,
    /// Where the pixels begin, and bytes from one row to the next.
    pixels_at: u64,
    stride: usize,
    _folder: Folder,
}

impl Screen {
    pub fn start(width: usize, height: usize) -> Result<Self> {
        let folder = Folder::new("screen")?;
        let xvfb = find("Xvfb").context("Xvfb is missing (package xvfb)")?;
        let mut server = Running(
            Command::new(xvfb)
                .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp", "-fbdir"])
                .arg(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .context("cannot start Xvfb")?,
        );
        let stdout = server.0.stdout.take().context("Xvfb has no standard output")?;
        let mut number = String::new();
        BufReader::new(stdout).read_line(&mut number).context("waiting for Xvfb")?;
        if number.trim().is_empty() {
            bail!("Xvfb did not start");
        }
        let display = format!(":{}", number.trim());
        let mut buffer = File::open(folder.path().join("Xvfb_screen0")).context("opening Xvfb's frame buffer")?;
        let (pixels_at, stride) = layout(&mut buffer, width, height)?;
        let openbox = find("openbox").context("openbox is missing")?;
        let manager = Command::new(openbox)
            .env("DISPLAY", &display)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let manager = Running(manager.context("cannot start openbox")?);
        let screen =
            Self { _manager: manager, _server: server, display, width, height, buffer, pixels_at, stride, _folder: folder };
        screen.wait_for_manager()?;
        Ok(screen)
    }

    /// A window that opens while the window manager starts may stay invisible.
    fn wait_for_manager(&self) -> Result<()> {
        let deadline = Instant::now() + MANAGER_STARTS;
        while self.xdotool(&["get_num_desktops"]).is_none() {
            if Instant::now() > deadline {
                bail!("openbox is not ready after {} s", MANAGER_STARTS.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Makes `command` open its windows here, drawn by the processor.
    pub fn show<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let lavapipe = ["/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "/usr/share/vulkan/icd.d/lvp_icd.aarch64.json"];
        if let Some(driver) = lavapipe.iter().find(|file| Path::new(file).exists()) {
            command.env("VK_ICD_FILENAMES", driver);
        }
        command.env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY").env("LIBGL_ALWAYS_SOFTWARE", "1")
    }

    /// Waits for the first window of process `id` and moves it over `area`.
    pub fn place(&self, id: u32, area: Area, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        let window = loop {
            let found = self.xdotool(&["search", "--onlyvisible", "--pid", &id.to_string()]);
            match found.as_deref().and_then(|lines| lines.lines().next()) {
                Some(window) => break window.to_owned(),
                None if Instant::now() > deadline => bail!("process {id} opened no window within {} s", limit.as_secs()),
                None => thread::sleep(Duration::from_millis(100)),
            }
        };
        let numbers = [area.width, area.height, area.x, area.y].map(|number| number.to_string());
        let [width, height, x, y] = numbers.each_ref().map(String::as_str);
        self.xdotool(&["windowsize", &window, width, height]).context("xdotool cannot size the window")?;
        self.xdotool(&["windowmove", &window, x, y]).context("xdotool cannot move the window")?;
        Ok(())
    }

    fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        output(Command::new("xdotool").args(arguments).env("DISPLAY", &self.display))
    }

    /// Saves what the screen shows, as PNG.
    pub fn save(&self, file: &Path) -> Option<String> {
        output(Command::new("import").args(["-window", "root"]).arg(file).env("DISPLAY", &self.display))
    }

    /// Brightness (the green channel) of `area`, into `pixels`.
    fn look(&mut self, area: Area, pixels: &mut Vec<u8>) -> Result<()> {
        let right = (area.x + area.width).min(self.width);
        let bottom = (area.y + area.height).min(self.height);
        let mut rows = vec![0; self.stride * bottom.saturating_sub(area.y)];
        self.buffer.seek(SeekFrom::Start(self.pixels_at + (area.y * self.stride) as u64))?;
        self.buffer.read_exact(&mut rows).context("reading the frame buffer")?;
        pixels.clear();
        for row in rows.chunks_exact(self.stride) {
            pixels.extend(row.chunks_exact(4).take(right).skip(area.x).map(|pixel| pixel[1]));
        }
        Ok(())
    }

    /// Looks for a mark in `area` until there is one.
    pub fn find_mark(&mut self, area: Area, limit: Duration) -> Result<Place> {
        let deadline = Instant::now() + limit;
        let mut pixels = Vec::new();
        loop {
            self.look(area, &mut pixels)?;
            let width = pixels.len() / area.height.max(1);
            if let Some((place, _)) =
                mark::find(Gray { width, height: area.height, pixels: &pixels }, |value| delay_ms(value).is_some())
            {
                return Ok(Place { x: place.x + area.x as f32, y: place.y + area.y as f32, ..place });
            }
            if Instant::now() > deadline {
                bail!("no mark on the screen within {} s", limit.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Watches the mark at `place` for `seconds`: one delay for every new picture.
    pub fn watch(&mut self, place: Place, seconds: u64) -> Result<Reading> {
        let left = place.x.floor().max(0.0) as usize;
        let top = place.y.floor().max(0.0) as usize;
        let width = (place.cell_width * CELLS_ACROSS as f32).ceil() as usize + 2;
        let height = (place.cell_height * CELLS_DOWN as f32).ceil() as usize + 2;
        let area = Area { x: left, y: top, width: width.min(self.width - left), height: height.min(self.height - top) };
        let within = Place { x: place.x - left as f32, y: place.y - top as f32, ..place };
        let (mut pixels, mut last, mut reading) = (Vec::new(), None, Reading::default());
        let begin = Instant::now();
        let mut changed = begin;
        while begin.elapsed() < Duration::from_secs(seconds) {
            self.look(area, &mut pixels)?;
            let value = mark::read(Gray { width: area.width, height: area.height, pixels: &pixels }, within);
            let fresh = value.filter(|value| last != Some(*value));
            if let Some((value, delay_ms)) = fresh.and_then(|value| Some((value, delay_ms(value)?))) {
                // The first one may have been there for long.
                if last.is_some() {
                    reading.delays_ms.push(delay_ms);
                    reading.seen_s.push(begin.elapsed().as_secs_f64());
                    reading.longest_still_ms = reading.longest_still_ms.max(changed.elapsed().as_secs_f64() * 1e3);
                }
                changed = Instant::now();
                last = Some(value);
            }
            thread::sleep(LOOK_EVERY);
        }
        reading.seconds = begin.elapsed().as_secs_f64();
        Ok(reading)
    }
}

/// What was seen of a mark.
#[derive(Default)]
pub struct Reading {
    /// Milliseconds from drawn by the source to seen on the screen, one for each new picture.
    pub delays_ms: Vec<f64>,
    /// When each was seen, in seconds.
    pub seen_s: Vec<f64>,
    /// How long it was watched.
    pub seconds: f64,
    /// Longest time without a new picture.
    pub longest_still_ms: f64,
}

impl Reading {
    /// Different pictures seen a second.
    pub fn pictures_per_second(&self) -> f64 {
        self.delays_ms.len() as f64 / self.seconds.max(1e-3)
    }

    /// The delay that `share` of all pictures stay within; `None` when none was seen.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.delays_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }
}

/// How old a mark is, in milliseconds; `None` when it cannot be one of ours: from the future, or of long ago.
fn delay_ms(value: u32) -> Option<f64> {
    let age = (unix_ms() as u32).wrapping_sub(value) as i32;
    // Clocks of one machine agree to a millisecond or two.
    (-2..60_000).contains(&age).then_some(f64::from(age))
}

/// Milliseconds of the UNIX clock.
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Reads the header of an X window dump: where the pixels begin, and the bytes of a row.
fn layout(buffer: &mut File, width: usize, height: usize) -> Result<(u64, usize)> {
    let mut header = [0; 100];
    buffer.read_exact(&mut header).context("reading the frame buffer's header")?;
    let field = |index: usize| header[index * 4..][..4].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    // Fields in the order of XWDFile.h.
    let (size, bits, stride, colours) = (field(0), field(11), field(12), field(19));
    if (field(4), field(5), bits) != (width as u64, height as u64, 32) {
        bail!("the frame buffer is {} x {} with {bits} bits instead of {width} x {height} with 32", field(4), field(5));
    }
    // Entries of the colour table have 12 bytes.
    Ok((size + colours * 12, stride as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let reading = Reading { delays_ms: (1..=100).rev().map(f64::from).collect(), seconds: 4.0, ..Reading::default() };
        assert_eq!([0.5, 0.95, 0.99, 1.0].map(|share| reading.percentile(share)), [50.0, 95.0, 99.0, 100.0].map(Some));
        assert_eq!(reading.pictures_per_second(), 25.0);
        assert_eq!(Reading::default().percentile(0.5), None);
    }

    #[test]
    fn e2e_a_mark_shown_on_the_screen_is_found_where_it_is() {
        let mut screen = Screen::start(640, 480).unwrap();
        let mut luma = vec![100; 320 * 180];
        mark::draw(&mut luma, 320, unix_ms() as u32);
        let folder = Folder::new("mark").unwrap();
        let file = folder.path().join("mark.pgm");
        std::fs::write(&file, [b"P5 320 180 255\n".as_slice(), &luma].concat()).unwrap();
        let mut shown = Running(screen.show(Command::new("display").args(["-geometry", "+100+60"]).arg(&file)).spawn().unwrap());
        let whole = Area { x: 0, y: 0, width: 640, height: 480 };
        let place = screen.find_mark(whole, Duration::from_secs(30)).unwrap();
        assert!((place.cell_width - 8.0).abs() < 0.2, "{place:?}");
        let reading = screen.watch(place, 1).unwrap();
        assert!(reading.delays_ms.is_empty(), "a still picture is not news");
        shown.0.kill().unwrap();
    }
}
