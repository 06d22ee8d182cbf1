//! Where the tiles go: the grid that makes them as large as possible. Pure geometry.

use egui::{Pos2, Rect, Vec2, vec2};

/// Width to height of a tile without a picture.
pub const ASPECT: f32 = 16.0 / 9.0;

/// Places `count` tiles of `aspect` (width to height, above 0) on `stage`, `gap` apart, in reading order, each row centred. Tiles of one call have one size.
pub fn best_fit(stage: Rect, count: usize, aspect: f32, gap: f32) -> Vec<Rect> {
    let (columns, tile) = best_columns(stage, count, aspect, gap);
    let rows = count.div_ceil(columns.max(1));
    let height = rows as f32 * (tile.y + gap) - gap;
    let top = stage.center().y - height / 2.0;
    (0..count)
        .map(|i| {
            let (row, column) = (i / columns, i % columns);
            let in_row = columns.min(count - row * columns);
            let width = in_row as f32 * (tile.x + gap) - gap;
            let left = stage.center().x - width / 2.0;
            Rect::from_min_size(Pos2::new(left + column as f32 * (tile.x + gap), top + row as f32 * (tile.y + gap)), tile)
        })
        .collect()
}

/// The same grid, stretched to all of `stage`: tiles of a row share its width.
pub fn best_grid(stage: Rect, count: usize, aspect: f32, gap: f32) -> Vec<Rect> {
    let columns = best_columns(stage, count, aspect, gap).0;
    let rows = count.div_ceil(columns.max(1));
    let share = |length: f32, n: usize| ((length - gap * (n as f32 - 1.0)) / n as f32).max(0.0);
    let height = share(stage.height(), rows);
    (0..count)
        .map(|i| {
            let (row, column) = (i / columns, i % columns);
            let width = share(stage.width(), columns.min(count - row * columns));
            let offset = vec2(column as f32 * (width + gap), row as f32 * (height + gap));
            Rect::from_min_size(stage.min + offset, vec2(width, height))
        })
        .collect()
}

/// How many columns give the largest tiles, and how large those are.
fn best_columns(stage: Rect, count: usize, aspect: f32, gap: f32) -> (usize, Vec2) {
    (1..=count)
        .map(|columns| (columns, tile_size(stage.size(), columns, count.div_ceil(columns), aspect, gap)))
        // On a tie, fewer columns: wide rows are harder to take in.
        .max_by(|(ca, a), (cb, b)| a.x.total_cmp(&b.x).then(cb.cmp(ca)))
        .unwrap_or((1, Vec2::ZERO))
}

/// The part of a picture of `aspect` that covers all of `outer`, from 0 to 1 each way: what sticks out is cut off evenly.
pub fn cover(outer: Rect, aspect: f32) -> Rect {
    let shape = outer.width() / outer.height();
    if !(aspect.is_finite() && shape.is_finite() && aspect > 0.0 && shape > 0.0) {
        return Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
    }
    let size = if aspect > shape { vec2(shape / aspect, 1.0) } else { vec2(1.0, aspect / shape) };
    Rect::from_center_size(Pos2::new(0.5, 0.5), size)
}

/// The largest tile with which so many columns and rows fit.
fn tile_size(stage: Vec2, columns: usize, rows: usize, aspect: f32, gap: f32) -> Vec2 {
    let room = |length: f32, n: usize| ((length - gap * (n as f32 - 1.0)) / n as f32).max(0.0);
    let width = room(stage.x, columns).min(room(stage.y, rows) * aspect);
    vec2(width, width / aspect)
}

/// The aspect of tiles that leaves the least black beside these pictures: the middle one, [`ASPECT`] without any. Tall pictures do not
/// make the tiles narrower than a square.
pub fn common_aspect(pictures: impl Iterator<Item = f32>) -> f32 {
    let mut aspects: Vec<f32> = pictures.filter(|aspect| aspect.is_finite() && *aspect > 0.0).collect();
    aspects.sort_by(f32::total_cmp);
    aspects.get(aspects.len() / 2).map_or(ASPECT, |aspect| aspect.clamp(1.0, 2.0))
}

/// The largest rectangle of `aspect` (width to height) inside `outer`, centred.
pub fn fit(outer: Rect, aspect: f32) -> Rect {
    if !aspect.is_finite() || aspect <= 0.0 {
        return outer;
    }
    let width = outer.width().min(outer.height() * aspect);
    Rect::from_center_size(outer.center(), vec2(width, width / aspect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_are_inside_and_apart(count in 0usize..=16, x in -50.0f32..500.0, y in -50.0f32..500.0, w in 0.0f32..4000.0, h in 0.0f32..4000.0, aspect in 0.5f32..2.5, gap in 0.0f32..24.0) {
            let stage = Rect::from_min_size(Pos2::new(x, y), vec2(w, h));
            let tiles = best_fit(stage, count, aspect, gap);
            prop_assert_eq!(tiles.len(), count);
            let big_enough = tiles.iter().all(|t| t.width() > 1.0);
            for (i, a) in tiles.iter().enumerate() {
                prop_assert!(a.width() >= 0.0 && (a.width() - a.height() * aspect).abs() < 0.1);
                prop_assert!((a.size() - tiles[0].size()).length() < 0.01);
                if big_enough {
                    prop_assert!(stage.expand(0.1).contains_rect(*a), "{a:?} sticks out of {stage:?}");
                    for b in &tiles[i + 1..] {
                        prop_assert!(!a.shrink(0.1).intersects(b.shrink(0.1)), "{a:?} overlaps {b:?}");
                    }
                }
            }
        }

        #[test]
        fn one_person_gets_the_stage(w in 300.0f32..3000.0, shape in 1.43f32..2.22) {
            let stage = Rect::from_min_size(Pos2::ZERO, vec2(w, w / shape));
            let share = best_fit(stage, 1, ASPECT, 8.0)[0].area() / stage.area();
            prop_assert!(share >= 0.8, "only {share:.2} of the stage");
        }

        #[test]
        fn no_other_grid_has_larger_tiles(count in 1usize..=16, w in 200.0f32..3000.0, h in 200.0f32..2000.0) {
            let stage = Rect::from_min_size(Pos2::ZERO, vec2(w, h));
            let chosen = best_fit(stage, count, ASPECT, 8.0)[0].width();
            for columns in 1..=count {
                prop_assert!(tile_size(stage.size(), columns, count.div_ceil(columns), ASPECT, 8.0).x <= chosen + 0.01);
            }
        }
    }

    #[test]
    fn common_calls_look_as_expected() {
        let stage = Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 720.0));
        let rows = |count| {
            let mut tops: Vec<i32> = best_fit(stage, count, ASPECT, 8.0).iter().map(|t| t.top() as i32).collect();
            tops.dedup();
            tops.len()
        };
        assert_eq!([1, 2, 3, 4, 9].map(rows), [1, 1, 2, 2, 3]);
        let wide = Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 450.0));
        assert_eq!(best_fit(wide, 2, ASPECT, 0.0)[0].top(), best_fit(wide, 2, ASPECT, 0.0)[1].top());
    }

    #[test]
    fn tiles_have_the_shape_of_most_pictures() {
        assert_eq!(common_aspect([].into_iter()), ASPECT);
        assert_eq!(common_aspect([4.0 / 3.0, f32::NAN, 16.0 / 9.0, 4.0 / 3.0].into_iter()), 4.0 / 3.0);
        assert_eq!(common_aspect([0.5].into_iter()), 1.0);
    }

    #[test]
    fn a_picture_covers_all_and_keeps_its_shape() {
        let outer = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0));
        let seen = cover(outer, 2.0);
        assert_eq!((seen.size(), seen.center()), (vec2(0.5, 1.0), Pos2::new(0.5, 0.5)));
        assert_eq!(cover(outer, 0.5).size(), vec2(1.0, 0.5));
        for bad in [0.0, f32::NAN, f32::INFINITY] {
            assert_eq!(cover(outer, bad).size(), vec2(1.0, 1.0));
        }
        assert_eq!(cover(Rect::ZERO, 1.0).size(), vec2(1.0, 1.0));
    }

    #[test]
    fn a_picture_is_fitted_whole() {
        let outer = Rect::from_min_size(Pos2::ZERO, vec2(160.0, 90.0));
        assert_eq!(fit(outer, 4.0 / 3.0).size(), vec2(120.0, 90.0));
        assert_eq!(fit(outer, 2.0).size(), vec2(160.0, 80.0));
        assert_eq!(fit(outer, 0.0), outer);
    }
}
