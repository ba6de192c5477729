//! Attributes of a data set as numbers and words, with the checks their meaning needs.

use dicom_core::{DataElement, Tag, value::Value};
use dicom_object::{InMemDicomObject, mem::InMemElement};

use super::error::ImagingError;

/// An attribute together with what it is called in messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub(super) tag: Tag,
    pub(super) keyword: &'static str,
}

impl Attribute {
    pub(super) const fn new(tag: Tag, keyword: &'static str) -> Self {
        Self { tag, keyword }
    }

    fn wrong(self, reason: &'static str) -> ImagingError {
        ImagingError::attribute(self.keyword, reason)
    }

    /// The element, when it is there and not empty.
    fn element(self, object: &InMemDicomObject) -> Option<&InMemElement> {
        object.get(self.tag).filter(|element| !is_empty(element))
    }

    /// A whole number, when it is there.
    pub(super) fn integer(self, object: &InMemDicomObject) -> Result<Option<i64>, ImagingError> {
        self.element(object).map(|e| e.to_int::<i64>().map_err(|_| self.wrong("it is no whole number"))).transpose()
    }

    /// A whole number that must be there.
    pub(super) fn required(self, object: &InMemDicomObject) -> Result<i64, ImagingError> {
        self.integer(object)?.ok_or_else(|| self.wrong("it is absent"))
    }

    /// Finite numbers, when they are there.
    pub(super) fn numbers(self, object: &InMemDicomObject) -> Result<Option<Vec<f64>>, ImagingError> {
        let Some(element) = self.element(object) else { return Ok(None) };
        let numbers = element.to_multi_float64().map_err(|_| self.wrong("it is no number"))?;
        if numbers.is_empty() || numbers.iter().any(|n| !n.is_finite()) {
            return Err(self.wrong("it is no finite number"));
        }
        Ok(Some(numbers))
    }

    /// A word without the padding around it; empty when it is absent.
    pub(super) fn word(self, object: &InMemDicomObject) -> Result<String, ImagingError> {
        let Some(element) = self.element(object) else { return Ok(String::new()) };
        let text = element.to_str().map_err(|_| self.wrong("it is no text"))?;
        Ok(text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
    }

    /// Whether the attribute is there with a value.
    pub(super) fn is_there(self, object: &InMemDicomObject) -> bool {
        self.element(object).is_some()
    }

    /// The items of a sequence; none when it is absent.
    pub(super) fn items(self, object: &InMemDicomObject) -> &[InMemDicomObject] {
        object.get(self.tag).and_then(DataElement::items).unwrap_or_default()
    }
}

fn is_empty(element: &InMemElement) -> bool {
    match element.value() {
        Value::Primitive(primitive) => primitive.multiplicity() == 0,
        Value::Sequence(sequence) => sequence.items().is_empty(),
        Value::PixelSequence(_) => false,
    }
}
