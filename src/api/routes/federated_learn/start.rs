//! `POST /v1/federated-learn/rounds`: an operator opens a round.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    aims::federated_learning::round::Opening,
    api::{Bearer, Door, Message, Problem, Reply, once::Once, problem::contradiction},
    schema::wire::{Exchange, FederatedLearn},
};

const ROUTE: &str = "POST /v1/federated-learn/rounds";

/// Opens a round of federated learning
///
/// The message is the request as Front Ends will read it: the model to start from, the rule, the fewest and the most
/// answers, the deadline, and parameters (`Epochs`, `LearningRate`, `BatchSize`, `Attackers`, `ClipNorm`,
/// `NoiseMultiplier`, `EpsilonBudget`, `Delta`, `Usage`). What is not said is filled in.
#[utoipa::path(post, path = "/federated-learn/rounds", tag = "federated-learning", security(("token" = [])),
    request_body(content = ref("#/components/schemas/FederatedLearn"), description = "Federated Learn with a Request."),
    responses((status = 201, body = ref("#/components/schemas/FederatedLearn"), description = "Federated Learn, completed.")))]
pub async fn start(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    message: Message<FederatedLearn>,
) -> Result<Response, Problem> {
    bearer.must_operate()?;
    let digest = message.digest();
    let work = {
        let (door, by, message) = (door.clone(), bearer.user(), message.message);
        async move {
            let Exchange::Request(request) = message.federated_learn else {
                return Err(contradiction("/FederatedLearn", "a round is opened by a Request"));
            };
            let opening = Opening { id: message.federated_learn_id.uuid(), request, by };
            let round = door.aims.open_round(&opening).await?;
            let place = format!("/v1/federated-learn/rounds/urn:uuid:{}", round.id);
            let answer = door.aims.round_message(&round).await?;
            Ok(Reply::created(answer, &place).with_status(StatusCode::CREATED).into_response())
        }
    };
    once.run(&door, bearer.user(), ROUTE, digest, work).await
}
