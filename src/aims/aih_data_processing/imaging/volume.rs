//! The volume of a structure: one slice times its thickness, or the piece that hangs together through a stack.

use super::{
    components::Component,
    error::ImagingError,
    image::Image,
    parameters::{Connectivity, Parameters},
    region::Segmentation,
};

/// A volume, or why there is none.
pub(super) struct Volume {
    pub(super) mm3: Option<f64>,
    pub(super) note: &'static str,
}

/// The volume of a piece found in one frame.
pub(super) fn of(
    segmentation: &Segmentation<'_>,
    component: &Component,
    parameters: &Parameters,
) -> Result<Volume, ImagingError> {
    let image = segmentation.frame.image;
    let area = image.spacing()?.pixel_area();
    Ok(match (image.frames, image.thickness, image.step) {
        (1, Some(thickness), _) => Volume {
            mm3: Some(component.pixels as f64 * area * thickness),
            note: "of this slice alone: area times slice thickness",
        },
        (1, None, _) => Volume { mm3: None, note: "none: the image states no slice thickness" },
        (_, _, Some(step)) => Volume {
            mm3: Some(through_stack(segmentation, component, parameters) as f64 * area * step),
            note: "of all pixels that hang together with it through the frames, times the spacing between slices",
        },
        (_, _, None) => Volume { mm3: None, note: "none: the frames are not stated to be slices at a known distance" },
    })
}

/// Pixels of the stack that hang together with the piece, by the same threshold.
fn through_stack(segmentation: &Segmentation<'_>, component: &Component, parameters: &Parameters) -> u64 {
    let image = segmentation.frame.image;
    let size = image.rows * image.columns;
    let mut seen = vec![false; size * image.frames];
    let mut open: Vec<usize> = Vec::new();
    let mut count = 0;
    let mut visit = |at: usize, open: &mut Vec<usize>| {
        let Some(seen) = seen.get_mut(at).filter(|seen| !**seen) else { return };
        if stored_at(image, at).is_some_and(|stored| segmentation.threshold.is_foreground(image, stored)) {
            *seen = true;
            count += 1;
            open.push(at);
        }
    };
    for (row, column) in segmentation.pixels(component) {
        visit(parameters.frame * size + row * image.columns + column, &mut open);
    }
    while let Some(at) = open.pop() {
        for neighbour in neighbours(at, image, parameters.connectivity) {
            visit(neighbour, &mut open);
        }
    }
    count
}

fn stored_at(image: &Image, at: usize) -> Option<i32> {
    let size = image.rows * image.columns;
    image.frame(at / size).ok()?.stored.get(at % size).copied()
}

/// The pixels that touch one pixel of a stack: 6 by faces, 26 by faces, edges and corners.
fn neighbours(at: usize, image: &Image, connectivity: Connectivity) -> impl Iterator<Item = usize> {
    let (rows, columns, frames) = (image.rows, image.columns, image.frames);
    let (frame, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
    (0..27_usize).filter_map(move |code| {
        let step = [code / 9, code / 3 % 3, code % 3].map(|digit| digit as isize - 1);
        let moves = step.iter().filter(|s| **s != 0).count();
        if moves == 0 || (connectivity == Connectivity::Edges && moves > 1) {
            return None;
        }
        let frame = frame.checked_add_signed(step[0]).filter(|f| *f < frames)?;
        let row = row.checked_add_signed(step[1]).filter(|r| *r < rows)?;
        let column = column.checked_add_signed(step[2]).filter(|c| *c < columns)?;
        Some((frame * rows + row) * columns + column)
    })
}
