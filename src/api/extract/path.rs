//! Identifiers in the path, and the query.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::api::{Door, Kind, Problem};

/// The one identifier in the path. What is not of its form cannot be anybody's, so saying so tells nothing.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T: FromStr + Send> FromRequestParts<Door> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, door).await?;
        let malformed = || Problem::new(Kind::MalformedRequest, "The identifier in the path is not of its form.");
        text.parse().map(Self).map_err(|_| malformed())
    }
}

/// The query, as a structure that refuses what it does not know.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Door> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let Query(query) = Query::<T>::from_request_parts(parts, door).await?;
        Ok(Self(query))
    }
}
