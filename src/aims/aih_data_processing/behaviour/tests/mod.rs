//! The behavioural module against signals whose measures have a closed form, and against everything that is no such
//! signal.

mod bad_input;
mod measures;

use std::collections::BTreeMap;

use serde_json::Value;

use super::run;
use crate::{aims::ai_modules::input::Input, domain::operation::Operation, schema::wire::DataFormat};

/// Monday, 4 March 2024, 00:00 UTC.
pub(super) const MONDAY: i64 = 1_709_510_400;

pub(super) fn attempt(
    operation: Operation,
    format: DataFormat,
    payload: &[u8],
    parameters: Value,
) -> Result<Value, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let attachments = BTreeMap::new();
    let input = Input { operation, format, parameters: &parameters, payload, attachments: &attachments };
    // Whatever a test asks, what it gets is what the AIM declares.
    run(&input)
        .inspect(|result| crate::mpai_store::processing::check_result("AIP-BEH-V1.0", operation, result).unwrap())
}

pub(super) fn ask(operation: Operation, csv: &str) -> Value {
    attempt(operation, DataFormat::Csv, csv.as_bytes(), Value::Null).unwrap()
}

/// Steps of each minute, from its number since Monday midnight; `None` leaves the minute out.
pub(super) fn steps(days: i64, count: impl Fn(i64) -> Option<i64>) -> String {
    let row = |minute: i64| Some(format!("{},{}\n", MONDAY + minute * 60, count(minute)?));
    "timestamp,steps\n".to_owned() + &(0..days * 1440).filter_map(row).collect::<String>()
}

/// Acceleration at 10 Hz for some minutes: what x, y and z are at each tenth of a second.
pub(super) fn acceleration(minutes: i64, axes: impl Fn(i64) -> [f64; 3]) -> String {
    let row = |tick: i64| {
        let [x, y, z] = axes(tick);
        format!("{}.{},{x:.4},{y:.4},{z:.4}\n", MONDAY + tick / 10, tick % 10)
    };
    "timestamp,x,y,z\n".to_owned() + &(0..minutes * 600).map(row).collect::<String>()
}
