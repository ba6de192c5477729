//! The part of a frame a measurement is made of.

use super::{
    components::{self, Component, Components},
    error::ImagingError,
    image::{Frame, Image},
    parameters::{Parameters, Region},
    threshold::Threshold,
};

/// A frame, its foreground and the pieces of it.
pub(super) struct Segmentation<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) threshold: Threshold,
    pub(super) components: Components,
}

impl<'a> Segmentation<'a> {
    /// Separates the asked frame and finds its pieces.
    pub(super) fn of(image: &'a Image, parameters: &Parameters) -> Result<Self, ImagingError> {
        let frame = image.frame(parameters.frame)?;
        let threshold = Threshold::choose(frame, parameters)?;
        let components = components::find(frame, &threshold, parameters.connectivity)?;
        Ok(Self { frame, threshold, components })
    }

    /// The piece asked for: that of the seed, or the largest.
    pub(super) fn choose(&self, region: Region) -> Result<&Component, ImagingError> {
        let Region::Seed(row, column) = region else {
            return self.components.list.first().ok_or(ImagingError::NoStructure);
        };
        let image = self.frame.image;
        if row >= image.rows || column >= image.columns {
            return Err(ImagingError::Parameter { name: "SeedRow", reason: "the seed lies outside the image" });
        }
        let label = self.components.labels.get(row * image.columns + column).copied();
        let found = self.components.list.iter().find(|component| Some(component.label) == label);
        found.ok_or(ImagingError::SeedOutside)
    }

    /// Row and column of every pixel of a piece, row by row.
    pub(super) fn pixels(&self, component: &Component) -> impl Iterator<Item = (usize, usize)> + '_ {
        let columns = self.frame.image.columns;
        let label = component.label;
        let (first, last) = component.rows;
        let rows = self.components.labels.get(first * columns..(last + 1) * columns).unwrap_or_default();
        let of_piece =
            move |(at, found): (usize, &u32)| (*found == label).then(|| (first + at / columns, at % columns));
        rows.iter().enumerate().filter_map(of_piece)
    }
}
