//! A strict JSON reader: the only way bytes from outside become a JSON value.
//!
//! JSON readers disagree about the corners of the format, and a message that two readers understand differently can be
//! signed as one thing and executed as another. What they disagree about is therefore refused here:
//!
//! | Refused | Because |
//! | --- | --- |
//! | duplicate keys | some readers take the first, some the last |
//! | invalid UTF-8, lone surrogates | some readers replace them |
//! | anything after the value | some readers ignore it |
//! | nesting deeper than [`DEEPEST`] | stack exhaustion |
//! | more bytes than the caller allows | memory exhaustion |
//!
//! Numbers without a fractional part become integers however they are spelled (`1.0`, `1e2`), as RFC 8785 and JSON
//! Schema see them; [`read_as_written`] keeps the spelling. An error names position and pointer, never the content.

use std::{cell::RefCell, fmt};

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{
    as_written::{self, Numerals},
    pointer::Pointer,
};

/// Most levels of objects and arrays inside one another.
pub const DEEPEST: usize = 64;

/// Integers up to here are exact in every JSON reader (2^53 - 1).
const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;

/// Why bytes are not a JSON document that this Back End reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// More bytes than the caller allows.
    #[error("the document has {found} bytes, more than the {most} allowed")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// Not UTF-8.
    #[error("the document is not UTF-8 from byte {offset} on")]
    Encoding {
        /// Offset of the first bad byte, from 0.
        offset: usize,
    },
    /// Not JSON.
    #[error("not JSON at line {line}, column {column}: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What the reader expected.
        reason: String,
    },
    /// A key that stands twice in one object.
    #[error("duplicate key at line {line}, column {column}: {pointer}")]
    DuplicateKey {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// JSON pointer of the key.
        pointer: String,
    },
    /// Nested deeper than [`DEEPEST`].
    #[error("nested deeper than {DEEPEST} levels at line {line}, column {column}: {pointer}")]
    TooDeep {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// JSON pointer of the value that is too deep.
        pointer: String,
    },
}

impl StrictError {
    /// JSON pointer of the place, where one is known.
    pub fn pointer(&self) -> Option<&str> {
        match self {
            Self::DuplicateKey { pointer, .. } | Self::TooDeep { pointer, .. } => Some(pointer),
            Self::TooLarge { .. } | Self::Encoding { .. } | Self::Syntax { .. } => None,
        }
    }
}

/// Reads one JSON document of at most `most_bytes` bytes.
///
/// # Errors
/// When the bytes are anything but exactly one strict JSON value; see [`StrictError`].
pub fn read(bytes: &[u8], most_bytes: usize) -> Result<Value, StrictError> {
    document(bytes, most_bytes, |_| None)
}

/// Reads one JSON document and keeps its numbers as they are written, in disguise: see [`super::as_written`].
///
/// # Errors
/// As [`read`]; and when a string begins as a disguise does.
pub fn read_as_written(bytes: &[u8], most_bytes: usize) -> Result<Value, StrictError> {
    document(bytes, most_bytes, |text| Some(Numerals::of(text)))
}

fn document<'b>(
    bytes: &'b [u8],
    most_bytes: usize,
    numerals: impl FnOnce(&'b str) -> Option<Numerals<'b>>,
) -> Result<Value, StrictError> {
    if bytes.len() > most_bytes {
        return Err(StrictError::TooLarge { found: bytes.len(), most: most_bytes });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| StrictError::Encoding { offset: e.valid_up_to() })?;
    let state = State { numerals: RefCell::new(numerals(text)), ..State::default() };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Level { state: &state, depth: 0 }.deserialize(&mut reader).and_then(|v| reader.end().map(|()| v));
    value.map_err(|error| state.refusal(&error))
}

/// What the reader must not be told through `serde_json`'s error texts: where it is and what it objected to.
#[derive(Default)]
struct State<'t> {
    pointer: RefCell<Pointer>,
    fault: RefCell<Option<Fault>>,
    /// The numbers as they are written, when they are kept so.
    numerals: RefCell<Option<Numerals<'t>>>,
}

#[derive(Clone, Copy)]
enum Fault {
    Duplicate,
    Depth,
}

impl State<'_> {
    /// The next number as it is written, when numbers are kept so.
    fn as_written(&self) -> Option<Value> {
        self.numerals.borrow_mut().as_mut()?.next().map(as_written::disguised)
    }

    fn object<E: de::Error>(&self, fault: Fault) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    fn refusal(&self, error: &serde_json::Error) -> StrictError {
        let (line, column) = (error.line(), error.column());
        let pointer = self.pointer.borrow().to_string();
        match *self.fault.borrow() {
            Some(Fault::Duplicate) => StrictError::DuplicateKey { line, column, pointer },
            Some(Fault::Depth) => StrictError::TooDeep { line, column, pointer },
            None => StrictError::Syntax { line, column, reason: reason(error) },
        }
    }
}

/// The fixed text of a syntax error without its position. No such text of `serde_json` carries content.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// Reads one value, `depth` levels below the document.
#[derive(Clone, Copy)]
struct Level<'s, 't> {
    state: &'s State<'t>,
    depth: usize,
}

impl<'s, 't> Level<'s, 't> {
    fn below<E: de::Error>(self) -> Result<Level<'s, 't>, E> {
        if self.depth == DEEPEST {
            return Err(self.state.object(Fault::Depth));
        }
        Ok(Level { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(self.state.as_written().unwrap_or_else(|| Value::Number(number.into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(self.state.as_written().unwrap_or_else(|| Value::Number(number.into())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        if let Some(written) = self.state.as_written() {
            return Ok(written);
        }
        if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT {
            return Ok(Value::Number((number as i64).into()));
        }
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        if self.state.numerals.borrow().is_some() && as_written::is_disguise(text) {
            return Err(E::custom("a string that begins with U+0000"));
        }
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        loop {
            self.state.pointer.borrow_mut().push_index(list.len());
            let Some(item) = items.next_element_seed(below)? else { break };
            list.push(item);
            self.state.pointer.borrow_mut().pop();
        }
        self.state.pointer.borrow_mut().pop();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.state.pointer.borrow_mut().push_label(&key);
            if object.contains_key(&key) {
                return Err(self.state.object(Fault::Duplicate));
            }
            let value = entries.next_value_seed(below)?;
            object.insert(key, value);
            self.state.pointer.borrow_mut().pop();
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn strict(text: &str) -> Result<Value, StrictError> {
        read(text.as_bytes(), 1 << 20)
    }

    #[test]
    fn plain_documents_are_read() {
        let text = r#"{"a":[1,-2,3.5,true,null,"é\u00e9\ud83d\ude00"],"b":{"c":{}},"d":[]}"#;
        assert_eq!(strict(text).unwrap(), json!({"a": [1, -2, 3.5, true, null, "éé😀"], "b": {"c": {}}, "d": []}));
    }

    #[test]
    fn a_number_is_one_number_however_spelled() {
        assert_eq!(strict("[1.0, 1e2, -0.0, 100e-2]").unwrap(), json!([1, 100, 0, 1]));
        assert_eq!(strict("[0.5, 1e300]").unwrap(), json!([0.5, 1e300]));
    }

    #[test]
    fn duplicate_keys_are_refused_with_their_pointer() {
        let error = strict("{\"AIHData\": [{\"Data\": 1,\n \"Data\": 2}]}").unwrap_err();
        assert_eq!(error, StrictError::DuplicateKey { line: 2, column: 7, pointer: "/AIHData/0/Data".to_owned() });
        let escaped = strict(r#"{"Data": 1, "D\u0061ta": 2}"#).unwrap_err();
        assert_eq!(escaped.pointer(), Some("/Data"));
        assert!(strict(r#"{"a": {"b": 1}, "c": {"b": 1}}"#).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(strict(&nested(DEEPEST)).is_ok());
        assert!(matches!(strict(&nested(DEEPEST + 1)), Err(StrictError::TooDeep { .. })));
        assert!(strict(&"[".repeat(1 << 19)).is_err());
    }

    #[test]
    fn size_encoding_and_remainder_are_checked() {
        assert_eq!(read(b"[1,2]", 4), Err(StrictError::TooLarge { found: 5, most: 4 }));
        assert!(read(b"[1,2]", 5).is_ok());
        assert_eq!(read(b"[\"\xff\"]", 99), Err(StrictError::Encoding { offset: 2 }));
        for bad in ["", "{} {}", "{}x", "[1,]", "{\"a\":1,}", "\u{feff}{}", "[\"\\ud800\"]", "[NaN]", "[01]", "[1e999]"]
        {
            assert!(matches!(strict(bad), Err(StrictError::Syntax { .. })), "{bad}");
        }
    }

    #[test]
    fn errors_never_show_content() {
        for bad in [r#"{"Diagnosis": F32.1}"#, r#"{"F32.1 depression": 1, "F32.1 depression": 2}"#, "[\"F32.1\n\"]"] {
            let shown = format!("{0} {0:?}", strict(bad).unwrap_err());
            assert!(!shown.contains("F32"), "{shown}");
        }
    }
}
