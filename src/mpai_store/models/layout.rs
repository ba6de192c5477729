//! Where which tensor lies in a safetensors file. The `safetensors` crate reads the header, in the child process where the
//! file comes from outside; what leaves the child is this list of names, shapes and offsets, so that nobody else ever has
//! to read such a header. Only F32 is taken: it is what networks are exchanged in, and one type keeps the sums simple.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{MOST_MODEL_BYTES, ModelError};

/// Key of the file's metadata under which a network declares itself. One key, so that the same model is the same bytes:
/// the library writes several in no order.
pub const DECLARATION: &str = "Declaration";
/// Bytes of a number.
pub const NUMBER_BYTES: u64 = 4;
const MOST_TENSORS: usize = 4_096;
const MOST_NAME_CHARACTERS: usize = 256;
const MOST_DIMENSIONS: usize = 8;
const MOST_DECLARATION_BYTES: usize = 16 << 10;

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// First byte in the file.
    pub offset: u64,
    /// How many numbers it holds.
    pub count: u64,
}

/// The tensors of a file, by name, and what the file declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Layout {
    /// In the order of their names.
    pub tensors: Vec<Tensor>,
    /// The text under [`DECLARATION`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
}

impl Layout {
    /// Reads the header of a file and looks at every number.
    ///
    /// # Errors
    /// [`ModelError`] for what is no safetensors file, beyond a limit, not F32, or not finite.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() as u64 > MOST_MODEL_BYTES {
            return Err(ModelError::Limit { what: "bytes of a model", most: MOST_MODEL_BYTES });
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| ModelError::Format(reason(&error)))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| ModelError::Format(reason(&error)))?;
        if file.len() > MOST_TENSORS {
            return Err(ModelError::Limit { what: "tensors of a model", most: MOST_TENSORS as u64 });
        }
        let mut tensors = Vec::with_capacity(file.len());
        for (name, view) in file.iter() {
            tensors.push(tensor(name, &view, bytes)?);
        }
        tensors.sort_by(|one, other| one.name.cmp(&other.name));
        let declaration = metadata.metadata().as_ref().and_then(|pairs| pairs.get(DECLARATION)).cloned();
        if declaration.as_ref().is_some_and(|text| text.len() > MOST_DECLARATION_BYTES) {
            return Err(ModelError::Limit { what: "bytes of a declaration", most: MOST_DECLARATION_BYTES as u64 });
        }
        Ok(Self { tensors, declaration })
    }

    /// Numbers in all tensors.
    pub fn parameters(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.count).sum()
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Passes when another file has the same tensors: names and dimensions; where they lie in it does not matter.
    ///
    /// # Errors
    /// [`ModelError::Shape`], naming the first difference.
    pub fn must_equal(&self, base: &Self) -> Result<(), ModelError> {
        for expected in &base.tensors {
            let name = &expected.name;
            match self.tensor(name) {
                None => return Err(ModelError::Shape(format!("the tensor `{name}` of the base model is missing"))),
                Some(found) if found.shape != expected.shape => {
                    let (found, expected) = (&found.shape, &expected.shape);
                    let text = format!("the tensor `{name}` has the shape {found:?}, that of the base {expected:?}");
                    return Err(ModelError::Shape(text));
                }
                Some(_) => {}
            }
        }
        match self.tensors.iter().find(|tensor| base.tensor(&tensor.name).is_none()) {
            Some(extra) => Err(ModelError::Shape(format!("the base model has no tensor `{}`", shortened(&extra.name)))),
            None => Ok(()),
        }
    }

    /// The numbers of a tensor of the file this layout was read from.
    ///
    /// # Errors
    /// [`ModelError::Shape`] when it is not there.
    pub fn numbers(&self, bytes: &[u8], name: &str) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::Shape(format!("there is no tensor `{name}`"));
        let tensor = self.tensor(name).ok_or_else(missing)?;
        let end = tensor.offset + tensor.count * NUMBER_BYTES;
        let range = usize::try_from(tensor.offset).ok().zip(usize::try_from(end).ok());
        let slice = range.and_then(|(start, end)| bytes.get(start..end)).ok_or_else(missing)?;
        Ok(numbers(slice))
    }
}

fn tensor(name: &str, view: &TensorView<'_>, file: &[u8]) -> Result<Tensor, ModelError> {
    let name = shortened(name);
    if name.chars().count() > MOST_NAME_CHARACTERS || view.shape().len() > MOST_DIMENSIONS {
        return Err(ModelError::Limit {
            what: "length of a tensor's name or shape",
            most: MOST_NAME_CHARACTERS as u64,
        });
    }
    if view.dtype() != Dtype::F32 {
        return Err(ModelError::Type(name));
    }
    if !numbers(view.data()).iter().all(|number| number.is_finite()) {
        return Err(ModelError::NotFinite(name));
    }
    // The view is a part of the file, so the difference is its place.
    let offset = view.data().as_ptr() as usize - file.as_ptr() as usize;
    let shape = view.shape().iter().map(|length| *length as u64).collect();
    Ok(Tensor { name, shape, offset: offset as u64, count: view.data().len() as u64 / NUMBER_BYTES })
}

/// Little-endian numbers; a rest of less than four bytes does not occur in what was checked.
pub fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

/// Writes a file: a declaration and tensors of F32.
///
/// # Errors
/// [`ModelError::Format`] when a tensor's shape and length disagree.
pub fn write(declaration: &str, tensors: &[(&str, Vec<usize>, Vec<f32>)]) -> Result<Vec<u8>, ModelError> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(.., numbers)| little_endian(numbers)).collect();
    let mut views = Vec::with_capacity(tensors.len());
    for ((name, shape, _), bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        views.push((*name, view.map_err(|error| ModelError::Format(reason(&error)))?));
    }
    let metadata = HashMap::from([(DECLARATION.to_owned(), declaration.to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| ModelError::Format(reason(&error)))
}

fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The kind of fault; the library's own text may quote the file.
fn reason(error: &safetensors::SafeTensorError) -> String {
    use safetensors::SafeTensorError as E;
    match error {
        E::HeaderTooSmall | E::InvalidHeaderLength | E::HeaderTooLarge => {
            "its header's length is not that of its header"
        }
        E::InvalidHeader(_) | E::InvalidHeaderDeserialization(_) => "its header is no valid JSON",
        E::MetadataIncompleteBuffer => "it is longer or shorter than its header says",
        E::InvalidOffset(_) | E::ValidationOverflow => "its tensors overlap, leave gaps, or end beyond the file",
        E::TensorInvalidInfo | E::InvalidTensorView(..) => "a tensor's shape and length disagree",
        _ => "it does not read as one",
    }
    .to_owned()
}

fn shortened(name: &str) -> String {
    name.chars().take(MOST_NAME_CHARACTERS + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        write("{}", &[("b", vec![2], vec![1.0, -2.5]), ("a", vec![1, 3], vec![0.5, 0.25, 4.0])]).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let (bytes, again) = (file(), file());
        assert_eq!(bytes, again, "the same model is the same bytes");
        let layout = Layout::read(&bytes).unwrap();
        assert_eq!(layout.tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(layout.parameters(), 5);
        assert_eq!(layout.numbers(&bytes, "b").unwrap(), [1.0, -2.5]);
        assert_eq!(layout.declaration.as_deref(), Some("{}"));
        assert!(layout.numbers(&bytes, "c").is_err());
    }

    #[test]
    fn what_lies_about_its_lengths_is_refused() {
        let good = file();
        let refused = |bytes: &[u8]| matches!(Layout::read(bytes), Err(ModelError::Format(_)));
        assert!(refused(&[]) && refused(&good[..7]) && refused(&good[..good.len() - 1]));
        let mut longer = good.clone();
        longer.push(0);
        assert!(refused(&longer));
        let mut boasting = good.clone();
        boasting[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(refused(&boasting));
        let text = String::from_utf8_lossy(&good).replace("[0,12]", "[0,92]");
        assert!(refused(text.as_bytes()));
        assert!(refused(b"PK\x03\x04 this is a pickle, or a zip of one"));
    }

    #[test]
    fn numbers_that_are_none_and_numbers_of_another_type_are_refused() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let bytes = write("", &[("w", vec![2], vec![1.0, bad])]).unwrap();
            assert_eq!(
                Layout::read(&bytes).unwrap_err().to_string(),
                "the tensor `w` holds a value that is not finite"
            );
        }
        let doubles = [1.0_f64.to_le_bytes(), 2.0_f64.to_le_bytes()].concat();
        let view = TensorView::new(Dtype::F64, vec![2], &doubles).unwrap();
        let bytes = safetensors::serialize([("w", view)], None).unwrap();
        assert!(matches!(Layout::read(&bytes), Err(ModelError::Type(name)) if name == "w"));
    }

    #[test]
    fn other_tensors_than_the_base_has_are_named() {
        let base = Layout::read(&file()).unwrap();
        base.must_equal(&base).unwrap();
        let other = |tensors: &[(&str, Vec<usize>, Vec<f32>)]| {
            let layout = Layout::read(&write("", tensors).unwrap()).unwrap();
            layout.must_equal(&base).unwrap_err().to_string()
        };
        let a = ("a", vec![1, 3], vec![0.0; 3]);
        assert_eq!(other(std::slice::from_ref(&a)), "the tensor `b` of the base model is missing");
        let turned = other(&[("a", vec![3, 1], vec![0.0; 3]), ("b", vec![2], vec![0.0; 2])]);
        assert_eq!(turned, "the tensor `a` has the shape [3, 1], that of the base [1, 3]");
        let more = other(&[a, ("b", vec![2], vec![0.0; 2]), ("c", vec![1], vec![0.0])]);
        assert_eq!(more, "the base model has no tensor `c`");
    }
}
