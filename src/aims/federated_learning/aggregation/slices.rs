//! Numbers of a model file, slice by slice. The places come from a [`Layout`], so nothing is parsed here; the order is
//! that of the base model's tensors, wherever they lie in the file at hand.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use crate::mpai_store::models::{
    ModelError,
    layout::{Layout, NUMBER_BYTES, numbers},
};

/// Numbers of one slice, at most.
pub const SLICE_NUMBERS: usize = 16 << 10;

/// Part of a tensor.
#[derive(Debug, Clone, Copy)]
struct Slice {
    offset: u64,
    count: usize,
}

/// The numbers of a file.
pub struct Numbers {
    path: PathBuf,
    slices: Vec<Slice>,
}

impl Numbers {
    /// The numbers of a file in the order of the base's tensors. `layout` is that of the file, and equals the base's.
    ///
    /// # Errors
    /// [`ModelError::Shape`] when a tensor is missing.
    pub fn new(path: PathBuf, layout: &Layout, base: &Layout) -> Result<Self, ModelError> {
        layout.must_equal(base)?;
        let mut slices = Vec::new();
        for tensor in base.tensors.iter().filter_map(|tensor| layout.tensor(&tensor.name)) {
            let mut done = 0;
            while done < tensor.count {
                let count = (tensor.count - done).min(SLICE_NUMBERS as u64);
                // A slice is small, so its length fits.
                slices.push(Slice { offset: tensor.offset + done * NUMBER_BYTES, count: count as usize });
                done += count;
            }
        }
        Ok(Self { path, slices })
    }

    /// How many slices there are; as many as in the base.
    pub fn slices(&self) -> usize {
        self.slices.len()
    }

    /// First byte of a slice in the file.
    pub fn place(&self, slice: usize) -> u64 {
        self.slices.get(slice).map_or(0, |slice| slice.offset)
    }

    /// Reads a slice. The file is opened anew, so that a thousand answers need no thousand open files.
    ///
    /// # Errors
    /// When the file cannot be read, or ends too early.
    pub fn read(&self, slice: usize) -> std::io::Result<Vec<f32>> {
        let Some(slice) = self.slices.get(slice) else { return Ok(Vec::new()) };
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(slice.offset))?;
        let mut bytes = vec![0; slice.count * NUMBER_BYTES as usize];
        file.read_exact(&mut bytes)?;
        Ok(numbers(&bytes))
    }
}
