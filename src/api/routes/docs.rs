//! `GET /openapi.json`, and `/docs`: the same for people. The page is part of the program and loads nothing from
//! elsewhere.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::{Door, openapi};

/// Scripts and styles of the page itself only; the page styles itself inline.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/// Describes this interface (OpenAPI 3.1)
#[utoipa::path(get, path = "/openapi.json", tag = "service",
    responses((status = 200, body = Object, content_type = "application/json", description = "The description.")))]
pub async fn openapi() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// The page.
pub(super) fn page() -> Router<Door> {
    let config = Config::from("/openapi.json").validator_url("none");
    let page: Router<Door> = SwaggerUi::new("/docs").config(config).into();
    page.layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
}
