//! Which page of a list is asked for.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    api::{Kind, Problem},
    db::Cursor,
};

/// Entries on one page when nothing else is asked.
const USUAL: u32 = 50;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[into_params(parameter_in = Query)]
pub struct PageAsked {
    /// `Next` of the page before.
    after: Option<String>,
    /// Most entries on the page, at most 1,000; 50 when not given.
    limit: Option<u32>,
}

impl PageAsked {
    /// Where the page begins and how long it is at most.
    ///
    /// # Errors
    /// When it begins at no place that was ever given out.
    pub fn place(&self) -> Result<(Option<Cursor>, u32), Problem> {
        let after = self.after.as_deref().map(str::parse::<Cursor>).transpose();
        let after = after.map_err(|error| Problem::new(Kind::MalformedRequest, error.to_string()))?;
        Ok((after, self.limit.unwrap_or(USUAL)))
    }
}
