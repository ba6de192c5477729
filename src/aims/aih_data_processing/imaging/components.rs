//! Pieces of foreground that hang together.
//!
//! Flood filling with a list of open pixels: every pixel is looked at once, memory is one label for each pixel.
//! A. Rosenfeld, J. L. Pfaltz, "Sequential operations in digital picture processing", Journal of the ACM
//! 13(4):471–494, 1966 (connectivity by edges or by edges and corners).

use super::{error::ImagingError, image::Frame, limits, parameters::Connectivity, threshold::Threshold};

/// Label of background.
pub(super) const BACKGROUND: u32 = 0;

/// One connected piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Component {
    /// Its label, from 1.
    pub(super) label: u32,
    /// Pixels it has.
    pub(super) pixels: u64,
    /// First and last row.
    pub(super) rows: (usize, usize),
    /// First and last column.
    pub(super) columns: (usize, usize),
    /// Sums of the rows and of the columns of its pixels.
    pub(super) position: (f64, f64),
    /// Sums of the intensities and of their squares, both from the first pixel's intensity, so that large intensities
    /// lose nothing.
    sums: (f64, f64),
    origin: f64,
    /// Least and greatest intensity.
    pub(super) extremes: (f64, f64),
}

impl Component {
    fn new(label: u32, row: usize, column: usize, intensity: f64) -> Self {
        Self {
            label,
            pixels: 0,
            rows: (row, row),
            columns: (column, column),
            position: (0.0, 0.0),
            sums: (0.0, 0.0),
            origin: intensity,
            extremes: (intensity, intensity),
        }
    }

    fn add(&mut self, row: usize, column: usize, intensity: f64) {
        self.pixels += 1;
        self.rows = (self.rows.0.min(row), self.rows.1.max(row));
        self.columns = (self.columns.0.min(column), self.columns.1.max(column));
        self.position = (self.position.0 + row as f64, self.position.1 + column as f64);
        let from_first = intensity - self.origin;
        self.sums = (self.sums.0 + from_first, self.sums.1 + from_first * from_first);
        self.extremes = (self.extremes.0.min(intensity), self.extremes.1.max(intensity));
    }

    /// Mean row and mean column.
    pub(super) fn centroid(&self) -> (f64, f64) {
        let n = self.pixels as f64;
        (self.position.0 / n, self.position.1 / n)
    }

    /// Mean and (population) standard deviation of the intensities.
    pub(super) fn intensity(&self) -> (f64, f64) {
        let n = self.pixels as f64;
        let mean = self.sums.0 / n;
        (self.origin + mean, (self.sums.1 / n - mean * mean).max(0.0).sqrt())
    }
}

/// The pieces of a frame.
#[derive(Debug)]
pub(super) struct Components {
    /// Label of every pixel, row by row.
    pub(super) labels: Vec<u32>,
    /// The pieces, the largest first; of equal ones the one found first.
    pub(super) list: Vec<Component>,
}

/// Finds the connected pieces of a frame's foreground.
///
/// # Errors
///
/// [`ImagingError::Limit`] beyond [`limits::MAX_STRUCTURES`].
pub(super) fn find(
    frame: Frame<'_>,
    threshold: &Threshold,
    connectivity: Connectivity,
) -> Result<Components, ImagingError> {
    let (image, columns) = (frame.image, frame.image.columns);
    let mut open: Vec<usize> = Vec::new();
    let mut labels: Vec<u32> = Vec::with_capacity(frame.stored.len());
    // First only marked, then labelled.
    const MARKED: u32 = u32::MAX;
    labels.extend(frame.stored.iter().map(|s| if threshold.is_foreground(image, *s) { MARKED } else { BACKGROUND }));
    let mut list: Vec<Component> = Vec::new();
    for start in 0..labels.len() {
        if labels.get(start) != Some(&MARKED) {
            continue;
        }
        if list.len() >= limits::MAX_STRUCTURES {
            let limit = limits::MAX_STRUCTURES as u64;
            return Err(ImagingError::Limit { what: "structures of the frame", value: limit + 1, limit });
        }
        // At most MAX_STRUCTURES.
        let label = list.len() as u32 + 1;
        let intensity = |at: usize| image.intensity(frame.stored.get(at).copied().unwrap_or_default());
        let mut component = Component::new(label, start / columns, start % columns, intensity(start));
        open.push(start);
        labels[start] = label;
        while let Some(at) = open.pop() {
            component.add(at / columns, at % columns, intensity(at));
            for neighbour in neighbours(at, image.rows, columns, connectivity) {
                if labels.get(neighbour) == Some(&MARKED) {
                    labels[neighbour] = label;
                    open.push(neighbour);
                }
            }
        }
        list.push(component);
    }
    list.sort_by_key(|component| std::cmp::Reverse(component.pixels));
    Ok(Components { labels, list })
}

/// The pixels that touch one pixel of a frame.
fn neighbours(at: usize, rows: usize, columns: usize, connectivity: Connectivity) -> impl Iterator<Item = usize> {
    let (row, column) = (at / columns, at % columns);
    let offsets = [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)];
    offsets.into_iter().take(usize::from(connectivity.neighbours())).filter_map(move |(down, right)| {
        let row = row.checked_add_signed(down).filter(|row| *row < rows)?;
        let column = column.checked_add_signed(right).filter(|column| *column < columns)?;
        Some(row * columns + column)
    })
}
