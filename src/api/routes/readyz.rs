//! `GET /readyz`: whether requests should be sent here. Not ready while the database is away, while there is a doubt
//! about the chain, and from the moment a shutdown begins.

use axum::extract::State;

use crate::api::{Door, Kind, Problem};

/// Says whether this instance can do its work
#[utoipa::path(get, path = "/readyz", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain", description = "It is ready.")))]
pub async fn readyz(State(door): State<Door>) -> Result<&'static str, Problem> {
    if door.is_closing() {
        return Err(Problem::new(Kind::Unavailable, "This Back End is shutting down."));
    }
    door.aims.database.ping().await?;
    door.aims.licensing.vigil().pass()?;
    Ok("ready\n")
}
