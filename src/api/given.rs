//! What a handler gives that is no message of the standard: a document of this Back End, checked against its own schema
//! before it leaves.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use super::problem::{Problem, leaving};
use crate::schema::{Resource, ResourceType};

/// An answer that is a document of this Back End.
#[derive(Debug)]
#[must_use = "an answer that is not given is lost"]
pub struct Given {
    document: Result<Value, Problem>,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Given {
    /// 200 with a document.
    pub fn ok<R: Resource + Serialize>(document: &R) -> Self {
        let written = serde_json::to_value(document).map_err(Problem::internal);
        Self::checked(written.and_then(|written| leaving(R::TYPE, written)))
    }

    /// 200 with a document that is JSON already.
    pub fn document(resource: ResourceType, document: Value) -> Self {
        Self::checked(leaving(resource, document))
    }

    fn checked(document: Result<Value, Problem>) -> Self {
        Self { document, status: StatusCode::OK, headers: Vec::new() }
    }

    /// With another status of success.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Not to be kept by anybody on the way.
    pub fn not_stored(self) -> Self {
        self.with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }

    /// Where the thing stands. Identifiers of ours are plain text, so a place that is no header value does not occur; it
    /// would be left out.
    pub fn at(mut self, place: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(place).ok().map(|value| (header::LOCATION, value)));
        self
    }
}

impl IntoResponse for Given {
    fn into_response(self) -> Response {
        let document = match self.document {
            Ok(document) => document,
            Err(problem) => return problem.into_response(),
        };
        let fixed = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, fixed, document.to_string()).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DELIVERY: &str = "0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e";

    #[test]
    fn a_document_leaves_as_its_schema_says() {
        let given = Given::document(ResourceType::WebhookPing, json!({"DeliveryID": DELIVERY}));
        let response = given.with_status(StatusCode::ACCEPTED).at("/v1/here").not_stored().into_response();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()[header::LOCATION], "/v1/here");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[tokio::test]
    async fn a_document_that_violates_its_schema_does_not_leave() {
        for wrong in [json!({"DeliveryID": "F32.1"}), json!({"DeliveryID": DELIVERY, "F32.1": 1}), json!([])] {
            let given = Given::document(ResourceType::WebhookPing, wrong).with_status(StatusCode::ACCEPTED);
            let response = given.at("/v1/here").into_response();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!response.headers().contains_key(header::LOCATION));
            let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains("/problems/internal") && !body.contains("F32"), "{body}");
        }
    }
}
