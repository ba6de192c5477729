//! `GET /v1/federated-learn/rounds/{id}`: how a round stands. An operator sees all of it; an End User sees the round and
//! what became of their own answers: who else takes part is nobody's business.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use crate::{
    aims::federated_learning::{accountant::epsilon, round::Settings},
    api::{Bearer, Door, Given, Problem, extract::PathId},
    db::federated_rounds::RoundRow,
    domain::{operation::Operation, taxonomy::Word, window},
    schema::{Resource, ResourceType, wire::MessageId},
};

const MOST_REFUSALS: u32 = 1_000;

/// A round.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Round {
    /// Its ID.
    #[serde(rename = "FederatedLearnID")]
    federated_learn_id: String,
    /// Its number among the rounds of the model.
    round: u32,
    /// `open`, `collecting`, `aggregating`, `promoted`, `rejected` or `expired`.
    state: String,
    /// Answers after this are not counted, RFC 3339.
    deadline: String,
    /// Rule of aggregation.
    aggregation: String,
    /// Usage the licences are asked for.
    usage: String,
    /// Parameters of the request.
    parameters: Value,
    /// Fewest answers with which it makes a model.
    minimum_responses: u32,
    /// So many answers end it.
    maximum_responses: u32,
    /// Answers there are.
    responses: usize,
    /// Model before.
    #[serde(rename = "PreLearnNNModelID")]
    pre_learn_nn_model_id: String,
    /// Model after.
    #[serde(rename = "PostLearnNNModelID", skip_serializing_if = "Option::is_none")]
    post_learn_nn_model_id: Option<String>,
    /// Accuracy on the held-out data, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_out_accuracy: Option<[f64; 2]>,
    /// Privacy budget spent by all rounds of the model, and what there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy: Option<Privacy>,
    /// Why there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Answers that came, and what became of each.
    participants: Vec<Participant>,
    /// Answers that were refused, and why.
    rejections: Vec<Rejection>,
}

/// A privacy budget.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Privacy {
    /// ε spent, at `Delta`.
    epsilon_spent: f64,
    /// ε there is.
    epsilon_budget: f64,
    /// δ.
    delta: f64,
    /// The same in zero-concentrated differential privacy.
    rho_spent: f64,
}

/// An answer that came.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Participant {
    /// Whose.
    #[serde(rename = "HFEID")]
    hfe_id: String,
    /// `received`, `used` or `left_out`.
    state: String,
    /// Samples it was trained on, as it says.
    sample_count: u64,
    /// Why it was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// An answer that was refused.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rejection {
    /// Whose.
    #[serde(rename = "HFEID")]
    hfe_id: String,
    /// Why.
    reason: String,
}

impl Resource for Round {
    const TYPE: ResourceType = ResourceType::FederatedRound;
}

/// Tells how a round stands
#[utoipa::path(get, path = "/federated-learn/rounds/{id}", tag = "federated-learning", security(("token" = [])),
    params(("id" = String, Path, description = "FederatedLearnID")), responses((status = 200, body = ref("#/components/schemas/FederatedRound"))))]
pub async fn round(State(door): State<Door>, bearer: Bearer, PathId(id): PathId<MessageId>) -> Result<Given, Problem> {
    let row = if bearer.operates() {
        door.aims.database.find_round(id.uuid()).await?.ok_or_else(Problem::nothing_here)?
    } else {
        bearer.must_open(Operation::FederatedLearning)?;
        door.aims.round_for(id.uuid(), bearer.user()).await?
    };
    let answers = door.aims.database.list_answers(row.id).await?;
    let responses = answers.len();
    let may_see = |user| bearer.operates() || user == bearer.user();
    let participants = answers.into_iter().filter(|answer| may_see(answer.front_end)).map(|answer| Participant {
        hfe_id: answer.front_end.to_string(),
        state: answer.state.to_string(),
        sample_count: answer.samples,
        reason: answer.reason,
    });
    let refusals = door.aims.database.list_refusals(row.id, MOST_REFUSALS).await?;
    let rejections = refusals
        .into_iter()
        .filter(|refusal| may_see(refusal.front_end))
        .map(|refusal| Rejection { hfe_id: refusal.front_end.to_string(), reason: refusal.reason });
    let (participants, rejections) = (participants.collect(), rejections.collect());
    let privacy = privacy(&door, &row).await?;
    Ok(Given::ok(&told(row, responses, privacy, participants, rejections)))
}

async fn privacy(door: &Door, row: &RoundRow) -> Result<Option<Privacy>, Problem> {
    let Some(budget) = Settings::of(row)?.budget else { return Ok(None) };
    let rho = door.aims.database.spent_rho(row.lineage).await?;
    Ok(Some(Privacy {
        epsilon_spent: if rho > 0.0 { epsilon(rho, budget.delta) } else { 0.0 },
        epsilon_budget: budget.epsilon,
        delta: budget.delta,
        rho_spent: rho,
    }))
}

fn told(
    row: RoundRow,
    responses: usize,
    privacy: Option<Privacy>,
    participants: Vec<Participant>,
    rejections: Vec<Rejection>,
) -> Round {
    Round {
        federated_learn_id: format!("urn:uuid:{}", row.id),
        round: row.number,
        state: row.state.to_string(),
        deadline: window::rfc3339(row.deadline_s.cast_unsigned()),
        aggregation: row.aggregation,
        usage: row.usage.word().to_owned(),
        parameters: row.parameters,
        minimum_responses: row.least,
        maximum_responses: row.most,
        responses,
        pre_learn_nn_model_id: format!("urn:uuid:{}", row.base_model),
        post_learn_nn_model_id: row.result_model.map(|id| format!("urn:uuid:{id}")),
        held_out_accuracy: row.score_before.zip(row.score_after).map(|(before, after)| [before, after]),
        privacy,
        reason: row.reason,
        participants,
        rejections,
    }
}
