//! The description of the door: OpenAPI 3.1, written from the routes themselves, with the standard's own schemas as its
//! components. `docs/openapi.json` is a copy that a test holds current.

use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{Kind, problem, routes};
use crate::schema::{
    MessageType, ResourceType,
    validators::{IDENTIFIERS_ID, IDENTIFIERS_TEXT},
};

/// What stands above the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Health Back End",
        description = "A Health Back End of the MPAI-AIH standard whose licences are smart contracts. Bodies are the \
                       messages of the standard; refusals are problem documents (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "access", description = "Who somebody is, and what is open to them"),
        (name = "licences", description = "Model Licences, and the contracts they become"),
        (name = "data", description = "AIH Data and what is done with it"),
        (name = "alerts", description = "What was found in data, and who is told"),
        (name = "audit", description = "What was decided and done, from the chain's own records"),
        (name = "store", description = "The MPAI Store: AIMs and models"),
        (name = "service", description = "The Back End itself")
    )
)]
struct Head;

/// The head of the document, to which the routes add themselves.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The whole document.
pub fn document() -> Value {
    // Names, texts and numbers: nothing in it fails to serialise.
    let mut document = serde_json::to_value(routes::described().into_openapi()).unwrap_or_default();
    let schemas = &mut document["components"]["schemas"];
    if !schemas.is_object() {
        *schemas = json!({});
    }
    for message in MessageType::ALL {
        schemas[message.name()] = component(message.name(), message.schema_text());
    }
    for resource in ResourceType::ALL {
        schemas[resource.name()] = component(resource.name(), resource.schema_text());
    }
    schemas["Identifiers"] = component("Identifiers", IDENTIFIERS_TEXT);
    schemas["Problem"]["properties"]["type"]["enum"] = Kind::ALL.iter().map(|kind| kind.type_uri()).collect();
    document["components"]["securitySchemes"]["token"] = json!({
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "A Token from POST /v1/register or POST /v1/tokens."
    });
    operations(&mut document).for_each(add_default_answer);
    document
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    paths
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.iter_mut())
        .filter(|(method, _)| METHODS.contains(&method.as_str()))
        .map(|(_, operation)| operation)
}

/// Whatever else happens, a problem document says so.
fn add_default_answer(operation: &mut Value) {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    operation["responses"]["default"] =
        json!({"description": "A problem document.", "content": {problem::MEDIA_TYPE: {"schema": schema}}});
}

/// A schema of the standard as a component: its references point into this document instead of the network.
fn component(name: &str, text: &str) -> Value {
    // The schemas are part of the program and a test compiles each of them.
    let mut schema: Value = serde_json::from_str(text).unwrap_or_default();
    if let Some(labels) = schema.as_object_mut() {
        labels.remove("$id");
        labels.remove("$schema");
    }
    point_inside(&mut schema, name);
    schema
}

fn point_inside(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(labels) => {
            if let Some(Value::String(reference)) = labels.get_mut("$ref") {
                *reference = inside(reference, name);
            }
            labels.values_mut().for_each(|value| point_inside(value, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| point_inside(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn inside(reference: &str, name: &str) -> String {
    let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let message = MessageType::ALL.iter().find(|message| message.id() == address).map(|message| message.name());
    let own = ResourceType::ALL.iter().find(|resource| resource.id() == address).map(|resource| resource.name());
    let named = message.or(own);
    let target = match named {
        Some(named) => named,
        None if address == IDENTIFIERS_ID => "Identifiers",
        None => name,
    };
    format!("#/components/schemas/{target}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(labels) => {
                found.extend(labels.get("$ref").and_then(Value::as_str).map(str::to_owned));
                labels.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_points_to_something_inside() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap_or("outside");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_says_what_it_does_and_who_may() {
        let mut document = document();
        for operation in operations(&mut document) {
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{operation}");
            assert!(operation["responses"]["default"].is_object());
        }
    }
}
