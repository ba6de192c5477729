//! Audits: what was decided about the caller's AIH Data, and what was done with it.

pub mod events;
pub mod request;

use crate::{
    aims::auditing::{AuditQuestion, Audited, Opened},
    api::{Door, Problem, problem::contradiction},
    schema::wire::Interval,
};

/// Has the audit confirmed and recorded.
async fn open(door: &Door, question: &AuditQuestion) -> Result<Opened, Problem> {
    match door.aims.open_audit(question).await? {
        Audited::Opened(opened) => Ok(opened),
        Audited::Denied(denial) => Err(Problem::of_denial(&denial, door.aims.back_end().chain_id())),
    }
}

/// Whole seconds of a period, fractions rounded outwards: nothing that was asked for is left out.
fn seconds(period: &Interval, pointer: &'static str) -> Result<(i64, i64), Problem> {
    let (start, end) = (period.start_time.at(), period.end_time.at());
    let from = start.unix_timestamp().max(0);
    let until = end.unix_timestamp() + i64::from(end.nanosecond() > 0);
    if start >= end || until <= 0 {
        return Err(contradiction(pointer, "the period ends before it begins, or before 1970"));
    }
    Ok((from, until))
}
