//! What an AI Module is given.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{domain::operation::Operation, schema::wire::DataFormat};

/// What an AI Module is given. Every length inside the payload is a claim of whoever wrote it.
#[derive(Debug)]
pub struct Input<'a> {
    /// Processing type of the module's own class, `HealthState…` types already translated.
    pub operation: Operation,
    /// Format of the payload, as its Qualifier says.
    pub format: DataFormat,
    /// Parameters of the request; they satisfy the schema the AIM declares.
    pub parameters: &'a Map<String, Value>,
    /// The whole payload.
    pub payload: &'a [u8],
    /// Assets from the MPAI Store, by the parameter that names them.
    pub attachments: &'a BTreeMap<String, Vec<u8>>,
}
