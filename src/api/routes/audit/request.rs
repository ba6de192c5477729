//! `POST /v1/audit`: the Audit of the standard.

use axum::{extract::State, response::Response};

use super::{open, seconds};
use crate::{
    aims::auditing::AuditQuestion,
    api::{Bearer, Door, Kind, Message, Problem, Reply, once::Once, problem::contradiction},
    domain::operation::Operation,
    schema::wire::{Audit, Exchange},
};

const ROUTE: &str = "POST /v1/audit";

/// Audits the caller's AIH Data
///
/// Every decision in the period, permits and denials, with evidence on chain; every operation that was not covered by
/// one; and the block up to which both are complete. The audit is itself confirmed on chain, once for each licensed item.
#[utoipa::path(post, path = "/audit", tag = "audit", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives the first answer again.")),
    request_body(content = ref("#/components/schemas/Audit")),
    responses((status = 200, description = "The Audit Response.", body = ref("#/components/schemas/Audit"))))]
pub async fn audit(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    body: Message<Audit>,
) -> Result<Response, Problem> {
    bearer.must_open(Operation::Auditing)?;
    let digest = body.digest();
    let message = body.message;
    let question = question(&bearer, &message)?;
    let (user, house) = (bearer.user(), door.clone());
    once.run(&door, user, ROUTE, digest, async move { answer(&house, &question, message).await }).await
}

fn question(bearer: &Bearer, message: &Audit) -> Result<AuditQuestion, Problem> {
    let Exchange::Request(request) = &message.audit else {
        return Err(contradiction("/Audit", "a request is expected"));
    };
    if request.user_id != bearer.user() {
        return Err(Problem::new(Kind::Forbidden, "End Users audit their own data."));
    }
    let (from_s, until_s) = seconds(&request.audit_period, "/Audit/Request/AuditPeriod")?;
    Ok(AuditQuestion {
        end_user: bearer.user(),
        from_s,
        until_s,
        operations: request.processing_types.as_ref().map(|types| types.iter().copied().collect()),
        item: None,
    })
}

async fn answer(door: &Door, question: &AuditQuestion, asked: Audit) -> Result<Reply<Audit>, Problem> {
    let opened = open(door, question).await?;
    let response = door.aims.audit_response(&opened).await?;
    Ok(Reply::ok(Audit { audit_time: door.now()?, audit: Exchange::Response(response), descr_metadata: None, ..asked }))
}
