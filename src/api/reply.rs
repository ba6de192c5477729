//! What a handler gives: a message, checked against its own schema before it leaves.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::problem::outgoing;
use crate::schema::wire::Message;

/// An answer that is a message of the standard.
#[derive(Debug)]
#[must_use = "an answer that is not given is lost"]
pub struct Reply<M> {
    message: M,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl<M: Message> Reply<M> {
    /// 200 with a message.
    pub fn ok(message: M) -> Self {
        Self { message, status: StatusCode::OK, headers: Vec::new() }
    }

    /// 201 with a message, and where the new thing stands.
    pub fn created(message: M, location: &str) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(message) }.at(location)
    }

    /// 202 with a message, and where to ask later.
    pub fn accepted(message: M, location: &str) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(message) }.at(location)
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

    /// Identifiers of ours are plain text, so a location that is no header value does not occur; it would be left out.
    fn at(mut self, location: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(location).ok().map(|value| (header::LOCATION, value)));
        self
    }
}

impl<M: Message> IntoResponse for Reply<M> {
    fn into_response(self) -> Response {
        let document = match outgoing(&self.message) {
            Ok(document) => document,
            Err(problem) => return problem.into_response(),
        };
        let fixed = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        let mut response = (self.status, fixed, document.to_string()).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{from_value, wire::LicenceConfirm};

    fn answer() -> LicenceConfirm {
        let document = json!({
            "Header": "AIH-LCF-V1.0",
            "LicenceConfirmID": "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e",
            "LicenceConfirmTime": "2026-11-22T08:00:00Z",
            "LicenceConfirm": {"Response": {"Status": true, "Reasons": []}},
        });
        from_value(&document).unwrap()
    }

    #[test]
    fn a_message_leaves_as_its_schema_says() {
        let response = Reply::created(answer(), "/v1/here").into_response();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()[header::LOCATION], "/v1/here");
    }

    #[test]
    fn a_message_that_violates_its_schema_does_not_leave() {
        let wrong = LicenceConfirm { descr_metadata: Some("x".repeat(3_000).into()), ..answer() };
        let response = Reply::ok(wrong).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
