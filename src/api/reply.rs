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
