//! Numbers as they are written. A FHIR decimal carries its precision (`7.0` is not `7`; R4, 2.24.0.1), which a binary
//! number cannot hold, and [`strict::read`](super::strict::read) makes one number of both. Where a document is written
//! out again, each number is therefore read as a **text in disguise**: a string that begins with [`MARK`], followed by
//! the number's own characters.
//!
//! ```text
//! bytes ─▶ strict::read_as_written ─▶ Value with texts in disguise ─▶ … ─▶ written ─▶ bytes, the numbers as before
//! ```
//!
//! The mark is U+0000, which no FHIR string may hold; a document that has it at the beginning of a string of its own is
//! refused, so that no text becomes a number on the way out. A feature of `serde_json` for this (`arbitrary_precision`)
//! changes every number of the whole program, and is not used.

use serde_json::Value;

/// First character of a number in disguise.
const MARK: char = '\0';

/// A number in disguise.
pub(super) fn disguised(number: &str) -> Value {
    Value::String(format!("{MARK}{number}"))
}

/// Whether a text would be taken for a number.
pub(super) fn is_disguise(text: &str) -> bool {
    text.starts_with(MARK)
}

/// The characters of a number in disguise.
pub fn numeral(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(MARK)
}

/// A document whose numbers are in disguise, as JSON.
pub fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => list(out, (b'[', b']'), items, write),
        Value::Object(fields) => list(out, (b'{', b'}'), fields, |(name, value), out| {
            out.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
            out.push(b':');
            write(value, out);
        }),
        simple => match numeral(simple) {
            Some(number) => out.extend_from_slice(number.as_bytes()),
            None => out.extend_from_slice(simple.to_string().as_bytes()),
        },
    }
}

fn list<I: IntoIterator>(out: &mut Vec<u8>, (open, close): (u8, u8), items: I, each: impl Fn(I::Item, &mut Vec<u8>)) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.push(close);
}

/// The numbers of a JSON text in the order in which they stand. The text is being read strictly at the same time, so what
/// is no JSON is refused there.
pub(super) struct Numerals<'t> {
    rest: &'t str,
}

impl<'t> Numerals<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { rest: text }
    }
}

impl<'t> Iterator for Numerals<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let start = first_numeral(self.rest.as_bytes())?;
        let from = self.rest.get(start..)?;
        let length = from.bytes().take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)).count();
        let (number, rest) = from.split_at_checked(length)?;
        self.rest = rest;
        Some(number)
    }
}

/// Where the next number begins, outside strings.
fn first_numeral(text: &[u8]) -> Option<usize> {
    let (mut within, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'-' | b'0'..=b'9' if !within => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::strict;

    fn again(text: &str) -> String {
        String::from_utf8(written(&strict::read_as_written(text.as_bytes(), 1 << 20).unwrap())).unwrap()
    }

    #[test]
    fn numbers_come_out_as_they_went_in() {
        for text in [
            r#"{"a":[7.0,7,7.00,-0.0,1e2,1E-7,100000000000000000000,0.1000],"b":{"c":3.140}}"#,
            r#"["12","-3","\"7.0\"",{"1.50":2.50},"é\\",[],{},true,null]"#,
            "7.10",
        ] {
            assert_eq!(again(text), text);
        }
        assert_eq!(again("[ 1.0 ,\n{\"a\" : -2.50} ]"), r#"[1.0,{"a":-2.50}]"#);
    }

    #[test]
    fn a_text_never_becomes_a_number() {
        for text in ["[\"\\u00007.0\"]", "{\"a\":\"\\u00001, \\\"b\\\": 2\"}"] {
            assert!(strict::read(text.as_bytes(), 99).is_ok());
            assert!(strict::read_as_written(text.as_bytes(), 99).is_err(), "{text}");
        }
        assert_eq!(again("[\"a\\u0000b\"]"), "[\"a\\u0000b\"]");
    }

    #[test]
    fn what_is_not_strict_is_refused_as_ever() {
        for text in ["[1.0", "[01]", "[1e999]", "[1.]", "{\"a\":1,\"a\":2}", "[-]", "1 2", ""] {
            assert!(strict::read_as_written(text.as_bytes(), 99).is_err(), "{text}");
        }
    }
}
