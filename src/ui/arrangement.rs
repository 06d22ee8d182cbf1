//! Where the pictures of a call go, in each of the ways that a person can choose. Pure geometry.
//!
//! ```
//! use egui::{Rect, pos2, vec2};
//! use parlor::ui::arrangement::{Arrangement, Order, places};
//!
//! let stage = Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 720.0));
//! let order = Order { count: 4, main: 2, aspect: 16.0 / 9.0, small: 16.0 / 9.0, gap: 8.0, fill: false };
//! let tiles = places(Arrangement::Main, stage, order);
//! assert!(tiles[2].area() > 5.0 * tiles[0].area());
//! ```

use super::tile_layout::{best_fit, best_grid, fit};
use egui::{Rect, Vec2, pos2, vec2};
use serde::{Deserialize, Serialize};

/// A way to show everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrangement {
    /// All of one size, as large as possible; two of them side by side.
    #[default]
    Grid,
    /// One large, the others in a strip beside or below.
    Main,
    /// One as large as possible, the others small, in its corner.
    Inset,
}

impl Arrangement {
    /// All of them, in the order of their menu.
    pub const ALL: [Self; 3] = [Self::Grid, Self::Main, Self::Inset];
}

/// What is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// How many.
    pub count: usize,
    /// Which of them is the large one, where one is.
    pub main: usize,
    /// Width to height of the pictures, above 0.
    pub aspect: f32,
    /// The same of the small ones of [`Arrangement::Inset`].
    pub small: f32,
    /// Between two of them, in points.
    pub gap: f32,
    /// Take all of the room, whatever shape that gives: pictures are cut to it.
    pub fill: bool,
}

/// Of the shorter way across, the share that a strip takes.
const STRIP: f32 = 0.2;
/// Least and most thickness of a strip, in points.
const STRIP_LEAST: f32 = 64.0;
const STRIP_MOST: f32 = 240.0;
/// Width of a small picture in the corner: share of the large one, and least and most points.
const INSET: f32 = 0.22;
const INSET_LEAST: f32 = 96.0;
const INSET_MOST: f32 = 280.0;

/// One rectangle for each, in order. All are inside `stage`; none overlaps another, but for the small ones of [`Arrangement::Inset`], which
/// lie in the large one.
pub fn places(arrangement: Arrangement, stage: Rect, order: Order) -> Vec<Rect> {
    let stage = Rect::from_min_size(stage.min, stage.size().max(Vec2::ZERO));
    if order.count == 0 {
        return Vec::new();
    }
    let main = order.main.min(order.count - 1);
    match arrangement {
        _ if order.count == 1 => vec![whole(stage, order)],
        Arrangement::Grid if order.fill => best_grid(stage, order.count, order.aspect, order.gap),
        Arrangement::Grid => best_fit(stage, order.count, order.aspect, order.gap),
        Arrangement::Main => {
            let (large, strip, along) = split(stage, order);
            let large = whole(large, order);
            with_main(main, large, in_strip(strip, along, large.size() / 2.0, order))
        }
        Arrangement::Inset => {
            let large = whole(stage, order);
            with_main(main, large, in_corner(large, order))
        }
    }
}

fn whole(room: Rect, order: Order) -> Rect {
    if order.fill { room } else { fit(room, order.aspect) }
}

fn with_main(main: usize, large: Rect, mut small: Vec<Rect>) -> Vec<Rect> {
    small.insert(main.min(small.len()), large);
    small
}

/// Which way a strip runs.
#[derive(Clone, Copy, PartialEq)]
enum Along {
    Side,
    Bottom,
}

/// Room for the large one and for the strip: on the side that leaves more for the large one.
fn split(stage: Rect, order: Order) -> (Rect, Rect, Along) {
    let beside = cut(stage.width(), stage.height() * order.aspect, order.gap);
    let below = cut(stage.height(), stage.width() / order.aspect, order.gap);
    let left = Rect::from_min_size(stage.min, vec2(beside.0, stage.height()));
    let above = Rect::from_min_size(stage.min, vec2(stage.width(), below.0));
    if fit(left, order.aspect).area() >= fit(above, order.aspect).area() {
        let strip = Rect::from_min_max(pos2(stage.right() - beside.1, stage.top()), stage.max);
        (left, strip, Along::Side)
    } else {
        let strip = Rect::from_min_max(pos2(stage.left(), stage.bottom() - below.1), stage.max);
        (above, strip, Along::Bottom)
    }
}

/// Of `length`, what the large one gets and what the strip does, if the large one needs `needed` to be as large as it can be.
fn cut(length: f32, needed: f32, gap: f32) -> (f32, f32) {
    let least = (length * STRIP).clamp(STRIP_LEAST, STRIP_MOST).min(length / 2.0);
    let strip = (length - gap - needed).clamp(least, STRIP_MOST.max(least));
    ((length - gap - strip).max(0.0), strip)
}

/// The small ones one after the other along the strip, none larger than `most`, in more rows when one is not enough.
fn in_strip(strip: Rect, along: Along, most: Vec2, order: Order) -> Vec<Rect> {
    let count = order.count - 1;
    let (thickness, length) =
        if along == Along::Side { (strip.width(), strip.height()) } else { (strip.height(), strip.width()) };
    let across =
        if along == Along::Side { vec2(thickness, thickness / order.aspect) } else { vec2(thickness * order.aspect, thickness) };
    let tile = across * (most.x / across.x).min(most.y / across.y).min(1.0);
    let each = if along == Along::Side { tile.y } else { tile.x };
    let needed = each * count as f32 + order.gap * (count as f32 - 1.0);
    if needed > length {
        return best_fit(strip, count, order.aspect, order.gap);
    }
    // They stand together in the middle.
    let first =
        strip.center() - if along == Along::Side { vec2(0.0, (needed - each) / 2.0) } else { vec2((needed - each) / 2.0, 0.0) };
    let step = if along == Along::Side { vec2(0.0, each + order.gap) } else { vec2(each + order.gap, 0.0) };
    (0..count).map(|i| Rect::from_center_size(first + i as f32 * step, tile)).collect()
}

/// The small ones in the lower right corner, in reading order.
fn in_corner(large: Rect, order: Order) -> Vec<Rect> {
    let count = (order.count - 1) as f32;
    // Of very many in a narrow picture, gaps must not take all of the room.
    let gap = order.gap.min(large.width() / 4.0 / (count + 1.0));
    let room = (large.width() - gap * (count + 1.0)) / count;
    let width = (large.width() * INSET).clamp(INSET_LEAST, INSET_MOST).min(room).max(0.0);
    let size = vec2(width, width / order.small);
    let size = if size.y > large.height() / 2.0 { size * (large.height() / 2.0 / size.y) } else { size };
    let corner = large.max - Vec2::splat(gap.min(large.height() / 4.0));
    (0..order.count - 1)
        .rev()
        .map(|i| Rect::from_min_size(pos2(corner.x - size.x - i as f32 * (size.x + gap), corner.y - size.y), size))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::Pos2;
    use proptest::prelude::*;

    fn arrangement() -> impl Strategy<Value = Arrangement> {
        prop::sample::select(&Arrangement::ALL[..])
    }

    proptest! {
        #[test]
        fn everybody_is_inside_and_apart(
            which in arrangement(), count in 0usize..=16, main in 0usize..20, x in -50.0f32..500.0, y in -50.0f32..500.0,
            w in 320.0f32..4000.0, h in 200.0f32..3000.0, aspect in 0.6f32..2.2, small in 0.5f32..2.4,
            gap in 0.0f32..12.0, fill: bool,
        ) {
            let stage = Rect::from_min_size(Pos2::new(x, y), vec2(w, h));
            let tiles = places(which, stage, Order { count, main, aspect, small, gap, fill });
            prop_assert_eq!(tiles.len(), count);
            let main = main.min(count.saturating_sub(1));
            for (i, a) in tiles.iter().enumerate() {
                prop_assert!(a.width() > 0.0 && a.height() > 0.0, "{a:?}");
                prop_assert!(stage.expand(0.2).contains_rect(*a), "{which:?}: {a:?} sticks out of {stage:?}");
                for (j, b) in tiles.iter().enumerate().skip(i + 1) {
                    let inside = which == Arrangement::Inset && (i == main || j == main);
                    prop_assert!(inside || !a.shrink(0.2).intersects(b.shrink(0.2)), "{which:?}: {a:?} overlaps {b:?}");
                }
                if which != Arrangement::Grid && i != main {
                    prop_assert!(tiles[main].area() > a.area(), "{which:?}: the large one is small");
                }
            }
        }

        #[test]
        fn nobody_is_squeezed(
            which in arrangement(), count in 1usize..=16, w in 320.0f32..3000.0, h in 200.0f32..2000.0, aspect in 0.6f32..2.2,
            small in 0.5f32..2.4,
        ) {
            let stage = Rect::from_min_size(Pos2::ZERO, vec2(w, h));
            let tiles = places(which, stage, Order { count, main: 0, aspect, small, gap: 8.0, fill: false });
            for (i, tile) in tiles.into_iter().enumerate() {
                let aspect = if which == Arrangement::Inset && i > 0 { small } else { aspect };
                prop_assert!((tile.width() / tile.height() / aspect - 1.0).abs() < 0.01, "{which:?}: {tile:?} is not {aspect}");
            }
        }

        #[test]
        fn many_in_a_narrow_picture_are_small_but_there(count in 10usize..=16, w in 320.0f32..400.0, h in 200.0f32..240.0, gap in 8.0f32..12.0) {
            let stage = Rect::from_min_size(Pos2::ZERO, vec2(w, h));
            for tile in places(Arrangement::Inset, stage, Order { count, main: 0, aspect: 0.6, small: 0.5, gap, fill: false }) {
                prop_assert!(tile.width() >= 4.0 && tile.height() >= 8.0, "{tile:?}");
            }
        }

        #[test]
        fn one_person_gets_the_stage(which in arrangement(), w in 300.0f32..3000.0, shape in 1.43f32..2.22) {
            let stage = Rect::from_min_size(Pos2::ZERO, vec2(w, w / shape));
            let order = Order { count: 1, main: 0, aspect: 16.0 / 9.0, small: 16.0 / 9.0, gap: 8.0, fill: false };
            let share = places(which, stage, order)[0].area() / stage.area();
            prop_assert!(share >= 0.8, "only {share:.2} of the stage");
            let filled = places(which, stage, Order { fill: true, ..order })[0];
            prop_assert!((filled.area() / stage.area() - 1.0).abs() < 0.01);
        }

        #[test]
        fn the_large_one_takes_most_of_what_there_is(w in 480.0f32..3000.0, shape in 0.6f32..2.4, count in 2usize..=16) {
            let stage = Rect::from_min_size(Pos2::ZERO, vec2(w, w / shape));
            let order = Order { count, main: 1, aspect: 16.0 / 9.0, small: 16.0 / 9.0, gap: 8.0, fill: false };
            let most = fit(stage, order.aspect).area();
            prop_assert!(places(Arrangement::Main, stage, order)[1].area() >= 0.55 * most);
            prop_assert!(places(Arrangement::Inset, stage, order)[1].area() >= 0.99 * most);
        }
    }
}
