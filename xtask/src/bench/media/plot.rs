//! Line plots as PNG files beside the figures: a title, two axes with units, a legend, and marks where something happened.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::bench::output_file;

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 520;
const FONT: &str = "Inter";
/// Told apart by people who see few colours, too (Okabe and Ito); after the last the first one again.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(70, 70, 70),
];

/// A plot of any number of lines.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    pub title: String,
    /// What the axes mean, with the unit: `time (s)`.
    pub x: String,
    pub y: String,
    pub lines: Vec<Line>,
    /// Upright lines with a word: when something was done.
    pub marks: Vec<(f64, String)>,
    /// Where the y axis ends; the largest value unless given.
    pub top: Option<f64>,
}

/// A named line. It is interrupted where a value is not a number.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

impl Line {
    pub fn new(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), points }
    }

    /// Its parts without interruption.
    fn parts(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        self.points.split(|(x, y)| !(x.is_finite() && y.is_finite())).filter(|part| !part.is_empty())
    }
}

impl Plot {
    /// Writes `target/bench/NAME.png`, says so, and returns where that is.
    pub fn save(&self, name: &str) -> Result<PathBuf> {
        let file = output_file(&format!("{name}.png"));
        let mut pixels = vec![0; WIDTH as usize * HEIGHT as usize * 3];
        self.draw(&mut pixels).with_context(|| format!("drawing {}", file.display()))?;
        image::save_buffer(&file, &pixels, WIDTH, HEIGHT, image::ColorType::Rgb8)
            .with_context(|| format!("writing {}", file.display()))?;
        println!("plot: {}", file.display());
        Ok(file)
    }

    fn draw(&self, pixels: &mut [u8]) -> Result<()> {
        let font = include_bytes!("../../../../assets/fonts/Inter-Regular.otf");
        register_font(FONT, FontStyle::Normal, font).map_err(|_| anyhow!("the font cannot be read"))?;
        let area = BitMapBackend::with_buffer(pixels, (WIDTH, HEIGHT)).into_drawing_area();
        area.fill(&WHITE)?;
        let ((left, right), top) = self.extent();
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, (FONT, 20))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(left..right, 0.0..top)?;
        let text = (FONT, 15);
        let mut mesh = chart.configure_mesh();
        mesh.x_label_formatter(&|x| short(*x)).y_label_formatter(&|y| short(*y));
        mesh.light_line_style(WHITE).label_style(text).x_desc(&self.x).y_desc(&self.y).draw()?;
        for (at, word) in &self.marks {
            let grey = RGBColor(150, 150, 150);
            chart.draw_series([PathElement::new([(*at, 0.0), (*at, top)], grey)])?;
            chart.draw_series([Text::new(format!(" {word}"), (*at, top), text.into_font().color(&grey))])?;
        }
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let colour = *colour;
            let parts = line.parts().map(|part| part.iter().map(|(x, y)| (*x, y.min(top))).collect::<Vec<_>>());
            let drawn = chart.draw_series(parts.map(|part| PathElement::new(part, colour.stroke_width(2))))?;
            drawn.label(&line.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::UpperRight).label_font(text);
        legend.background_style(WHITE.mix(0.85)).border_style(RGBColor(200, 200, 200)).draw()?;
        area.present()?;
        Ok(())
    }

    /// From where to where the x axis goes, and where the y axis ends.
    fn extent(&self) -> ((f64, f64), f64) {
        let points = || self.lines.iter().flat_map(|line| line.parts().flatten());
        let left = points().map(|(x, _)| *x).reduce(f64::min).unwrap_or(0.0);
        let right = points().map(|(x, _)| *x).reduce(f64::max).unwrap_or(1.0);
        let highest = points().map(|(_, y)| *y).reduce(f64::max).unwrap_or(1.0);
        // Room above, and neither axis of no length.
        ((left, right.max(left + 1e-3)), self.top.unwrap_or(highest * 1.08).max(1e-3))
    }
}

/// A number at an axis, without a fraction that says nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>) -> Vec<u8> {
        let marks = vec![(2.0, "cut".to_owned())];
        let plot = Plot {
            title: "Delay".into(),
            x: "time (s)".into(),
            y: "ms".into(),
            lines: vec![Line::new("p50", points)],
            marks,
            top: None,
        };
        let mut pixels = vec![0; WIDTH as usize * HEIGHT as usize * 3];
        plot.draw(&mut pixels).unwrap();
        pixels
    }

    /// Pixels of the first line's colour in a part of the width.
    fn blue(pixels: &[u8], from: f64, to: f64) -> usize {
        let columns = (from * f64::from(WIDTH)) as usize..(to * f64::from(WIDTH)) as usize;
        let rows = pixels.chunks_exact(WIDTH as usize * 3);
        // Below the legend.
        rows.skip(120).flat_map(|row| &row.as_chunks::<3>().0[columns.clone()]).filter(|pixel| **pixel == [0, 114, 178]).count()
    }

    #[test]
    fn a_line_is_drawn_and_interrupted_where_there_is_no_value() {
        let until = |last| {
            plot((0..=100).map(|i| (f64::from(i) / 10.0, if i > last { f64::NAN } else { 40.0 })).chain([(10.0, 80.0)]).collect())
        };
        let (whole, broken) = (until(100), until(50));
        assert!(blue(&whole, 0.1, 0.5) > 200 && blue(&whole, 0.6, 0.95) > 200);
        assert!(blue(&broken, 0.1, 0.5) > 200 && blue(&broken, 0.6, 0.9) == 0);
    }

    #[test]
    fn nothing_at_all_is_drawn_as_an_empty_plot() {
        assert_eq!(blue(&plot(Vec::new()), 0.1, 1.0), 0);
    }
}
