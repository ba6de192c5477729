//! Whatever a house answers in any test is held against its own description: each answer of success is described, and each
//! JSON document is what the schema named there says. So no route can leave its schema behind unnoticed.

use std::sync::LazyLock;

use health_back_end::{
    api::openapi,
    schema::{MessageType, ResourceType, Violation, validate, validate_resource},
};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;

static PATHS: LazyLock<Value> = LazyLock::new(|| openapi::document()["paths"].take());

/// An answer as it came.
pub struct Came<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub bytes: &'a [u8],
}

/// Fails unless the answer is as described.
#[track_caller]
pub fn check(came: &Came<'_>) {
    let media = came.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default();
    if media == "application/problem+json" {
        return came.is("Problem", came.bytes);
    }
    let Some(operation) = described(came) else { return };
    if !(200..300).contains(&came.status) || *came.method == Method::HEAD {
        return;
    }
    let response = &operation["responses"][came.status.to_string()];
    assert!(response.is_object(), "{} {}: {} is not described", came.method, came.path, came.status);
    let name = response["content"][media]["schema"]["$ref"].as_str();
    let name = name.map(|reference| reference.trim_start_matches("#/components/schemas/"));
    match (media, name) {
        ("application/json", Some(name)) => came.is(name, came.bytes),
        ("application/x-ndjson", Some(name)) => {
            came.bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .for_each(|line| came.is(name, line));
        }
        ("application/json", None) => {
            // An audit may be asked for in several forms; the description names the usual one.
            let other = ["/openapi.json", "/v1/audit/events"].iter().any(|path| came.path.starts_with(path));
            assert!(other || came.path.ends_with("/payload"), "{} {}: no schema", came.method, came.path);
        }
        _ => {}
    }
}

impl Came<'_> {
    #[track_caller]
    fn is(&self, name: &str, text: &[u8]) {
        let at = format!("{} {} {}", self.method, self.path, self.status);
        let document: Value = serde_json::from_slice(text).unwrap_or_else(|error| panic!("{at}: {error}"));
        let outcome = valid(name, &document);
        assert!(outcome.is_ok(), "{at} is no {name}: {outcome:?}");
    }
}

fn valid(name: &str, document: &Value) -> Result<(), Vec<Violation>> {
    match (MessageType::from_name(name), ResourceType::from_name(name)) {
        (Some(message), _) => validate(message, document),
        (None, Some(resource)) => validate_resource(resource, document),
        (None, None) => panic!("{name} is the name of no schema"),
    }
}

/// The operation of the description that an answer belongs to: the path with the fewest placeholders that fits.
fn described(came: &Came<'_>) -> Option<&'static Value> {
    let fits = |template: &&String| {
        let (mut asked, mut described) = (came.path.split('/'), template.split('/'));
        loop {
            match (asked.next(), described.next()) {
                (None, None) => return true,
                (Some(asked), Some(described)) if asked == described || described.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let paths = PATHS.as_object().unwrap();
    let path = paths.keys().filter(fits).min_by_key(|template| template.matches('{').count())?;
    paths[path].get(came.method.as_str().to_ascii_lowercase())
}
