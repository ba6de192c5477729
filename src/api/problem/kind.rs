//! The closed list of problems. A client may rely on `type`; title and explanation are for people.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($variant:ident = $slug:literal, $status:ident, $title:literal, $explanation:literal;)+) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`", $slug, "`: ", $explanation)] $variant,)+
        }

        impl Kind {
            /// Every kind, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The last part of `type`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),+ }
            }

            /// `type`: relative to the Back End's address.
            pub const fn type_uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("/problems/", $slug)),+ }
            }

            /// `title`, the same for every problem of the kind.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What the kind means and what a client can do about it.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation),+ }
            }

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }
        }
    };
}

kinds! {
    MalformedRequest = "malformed-request", BAD_REQUEST, "The request cannot be read",
        "The body is not strict JSON, or a header, path or query is not of its form. Sending it again changes nothing.";
    SchemaViolation = "schema-violation", UNPROCESSABLE_ENTITY, "The message violates its schema",
        "The body is JSON but not a valid message. `pointers` says where, and what was expected there.";
    UnsupportedTerms = "unsupported-terms", UNPROCESSABLE_ENTITY, "The Model Licence asks for what a licence cannot express",
        "Terms are refused where they cannot be expressed exactly. `pointers` says where and why.";
    Unprocessable = "unprocessable", UNPROCESSABLE_ENTITY, "The data cannot be processed as asked",
        "No AI Module of the Store does this on this format, or the module refused the data.";
    InvalidSignature = "invalid-signature", UNPROCESSABLE_ENTITY, "The signature is not the End User's",
        "The End User's signature does not fit the terms, the sequence number or this Back End.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "The sender is not authenticated",
        "The Token or proof is absent, malformed, expired, withdrawn or not by this Back End. Take a new challenge.";
    Forbidden = "forbidden", FORBIDDEN, "The sender may not do this",
        "The Token is valid but does not open this service, or the request is about somebody else.";
    LicenceDenied = "licence-denied", FORBIDDEN, "The licence does not permit this",
        "The chain judged the request. `reasons` names every failing term, `evidence` where the answer is recorded.";
    NotFound = "not-found", NOT_FOUND, "There is nothing here",
        "Unknown to this Back End, or known and none of the caller's business: the two are not told apart.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not offered here",
        "The address exists; `Allow` names its methods.";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "No representation is acceptable",
        "`Accept` names no media type that this address offers.";
    Timeout = "timeout", REQUEST_TIMEOUT, "The request took too long to arrive or to be answered",
        "The body arrived too slowly or the work was not done in time. With an `Idempotency-Key` it may be asked again.";
    Conflict = "conflict", CONFLICT, "The request conflicts with the state of things",
        "The same request is in work, or an identifier is in use for something else.";
    Gone = "gone", GONE, "This was erased",
        "The item was here and its key was destroyed; the record of it stays.";
    PayloadTooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "The body has more bytes than this address accepts.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of another media type",
        "`Content-Type` is absent or names a media type that this address does not read.";
    RangeNotSatisfiable = "range-not-satisfiable", RANGE_NOT_SATISFIABLE, "The range holds no byte",
        "The range asked for is empty or starts behind the end; `Content-Range` gives the length.";
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key belongs to another request",
        "The key was used before with another body. Choose a new key for a new request.";
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Too many requests",
        "The sender asks more often than this Back End answers. `Retry-After` says when to come back.";
    Busy = "busy", SERVICE_UNAVAILABLE, "Too much is being done at once",
        "Nothing was done. `Retry-After` says when to come back.";
    ChainUnavailable = "chain-unavailable", SERVICE_UNAVAILABLE, "The chain gives no answer that could be relied on",
        "The chain is away, stale, another one, or did not answer in time. In doubt nothing is permitted.";
    IndexBehind = "index-behind", SERVICE_UNAVAILABLE, "The index is behind the chain",
        "The Back End has not read all of the chain yet and gives no answer that might be incomplete.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "A part of this Back End does not answer",
        "The database or the object store is away, or the Back End is shutting down.";
    NotImplemented = "not-implemented", NOT_IMPLEMENTED, "This Back End does not offer this",
        "The request is in order but asks for something this Back End refuses by name.";
    InsufficientStorage = "insufficient-storage", INSUFFICIENT_STORAGE, "There is no room left",
        "The object store is full. Nothing was kept.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "This Back End failed",
        "A mistake of this program or damage to its data. The log has it under the request's ID.";
}

impl Kind {
    /// The kind with this slug.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }
}
