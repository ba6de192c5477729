//! `GET /livez`: the process runs and answers.

/// Answers as long as the process does
#[utoipa::path(get, path = "/livez", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain", description = "It lives.")))]
pub async fn livez() -> &'static str {
    "live\n"
}
