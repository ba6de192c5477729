//! One JSON type serves both directions: a body holds either a `Request` or a `Response`.

use serde::{Deserialize, Serialize};

/// Either direction of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Exchange<Q, A> {
    /// `Request`.
    Request(Q),
    /// `Response`.
    Response(A),
}

impl<Q, A> Exchange<Q, A> {
    /// The request, when this is one.
    pub fn request(self) -> Option<Q> {
        match self {
            Self::Request(request) => Some(request),
            Self::Response(_) => None,
        }
    }

    /// The response, when this is one.
    pub fn response(self) -> Option<A> {
        match self {
            Self::Request(_) => None,
            Self::Response(response) => Some(response),
        }
    }
}
