//! How rounds end when it does not go well: at the deadline, with a worse model, with a spent budget, with a licence that is
//! withdrawn or a power failure in the middle of the aggregation.

use std::path::Path;

use alloy::primitives::hex;
use futures_util::future::join_all;
use health_back_end::{
    db::{
        federated_rounds::{RoundRow, RoundState},
        notices::{Audience, Call},
        operations::{OperationKind, OperationState},
    },
    domain::{operation::Operation, window},
    front_end::training::session::verified_bytes,
    mpai_store::models::{blobs::sha256, network::Network},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answers::{Asked, TRAINING, along, outcome, refused, send, uuid, withdraw},
    scene::{FrontEnd, Scene},
    stage::{Hold, Stage, end},
};

fn bounds(least: u32, most: u32) -> Value {
    json!({"MinimumResponses": least, "MaximumResponses": most})
}

fn left_out(why: &str) -> (String, String) {
    ("left_out".to_owned(), why.to_owned())
}

fn used() -> (String, String) {
    ("used".to_owned(), String::new())
}

impl Stage {
    /// Opens a round that lasts for five minutes.
    async fn open_with_deadline(&self, least: u32, most: u32) -> Asked {
        let mut more = bounds(least, most);
        more["Deadline"] = json!(window::rfc3339(self.house.clock.seconds() + 300));
        self.open(more).await
    }

    async fn front_ends(&self, count: u64) -> Vec<FrontEnd> {
        join_all((1..=count).map(|seed| self.front_end(seed, TRAINING))).await
    }

    /// All answer with something better, no two the same.
    async fn all_answer(&self, asked: &Asked, front_ends: &[FrontEnd]) {
        let (base, better) = (self.base().await, self.learned().await);
        for (n, front_end) in front_ends.iter().enumerate() {
            asked.answer(front_end, along(&base, &better, 1.0 + 0.01 * n as f64)).await;
        }
    }

    /// The states of the operations of training on a Front End's item.
    async fn trainings(&self, front_end: &FrontEnd) -> Vec<OperationState> {
        let rows = self.house.database.list_operations_on_item(front_end.item, None, 100).await.unwrap().rows;
        rows.iter().filter(|row| row.kind == OperationKind::FederatedLearn).map(|row| row.state).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_answers_at_the_deadline_make_no_model_and_cost_nothing() {
    let mut stage = Stage::start().await;
    let front_ends = stage.front_ends(2).await;
    let (ada, bob) = (&front_ends[0], &front_ends[1]);
    let asked = stage.open_with_deadline(2, 3).await;
    let better = stage.learned().await;
    asked.answer(ada, better.clone()).await;
    // Not due: nothing happens to it.
    assert_eq!(stage.ended(&asked).await["State"], "collecting");
    assert_eq!(stage.files(), 3, "model, held-out data, answer");

    stage.pass(301).await;
    let said = refused(send(bob, &asked.draft(bob, along(&stage.base().await, &better, 0.9))).await, 409);
    assert!(said.contains("takes no more answers"), "{said}");
    assert_eq!(bob.client.get("/v1/federated-learn").await.unwrap()["Requests"], json!([]));
    let ended = stage.ended(&asked).await;
    assert_eq!(ended["State"], "expired", "{ended}");
    assert_eq!(ended["Reason"], "1 answers came by the deadline; at least 2 are needed");
    assert_eq!(outcome(&ended, ada), left_out("the round is expired"));
    assert_eq!(ended["Rejections"][0]["HFEID"], bob.client.user().to_string());
    // Who answered is told; the answer is gone; no licence was used for anything; the model is the one it was.
    let told = stage.house.database.list_notices(ada.client.user(), 0, 100).await.unwrap();
    let end = told.iter().rev().find(|notice| notice.kind == "federated-learn.ended").unwrap();
    assert_eq!(end.data["State"], "expired");
    refused(ada.client.get(&format!("/v1/federated-learn/{}", asked.round)).await, 409);
    assert_eq!((stage.files(), stage.models().await.len()), (2, 1));
    assert_eq!(stage.trainings(ada).await, []);

    // Nobody at all; and the numbers go on.
    let asked = stage.open_with_deadline(1, 3).await;
    assert_eq!(asked.number, 2);
    stage.pass(301).await;
    let ended = stage.ended(&asked).await;
    assert_eq!(
        (&ended["State"], &ended["Reason"]),
        (&json!("expired"), &json!("0 answers came by the deadline; at least 1 are needed"))
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enough_answers_at_the_deadline_make_the_model_without_the_others() {
    let mut stage = Stage::start().await;
    let front_ends = stage.front_ends(2).await;
    let asked = stage.open_with_deadline(2, 3).await;
    stage.all_answer(&asked, &front_ends).await;
    assert_eq!(stage.ended(&asked).await["State"], "collecting");
    stage.pass(301).await;
    let ended = stage.ended(&asked).await;
    assert_eq!(ended["State"], "promoted", "{ended}");
    assert!(front_ends.iter().all(|front_end| outcome(&ended, front_end) == used()), "{ended}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_would_do_worse_is_not_promoted_and_the_one_before_stays() {
    let mut stage = Stage::start().await;
    let ada = stage.front_end(1, TRAINING).await;
    let asked = stage.open(bounds(1, 1)).await;
    asked.answer(&ada, stage.learned().await).await;
    assert_eq!(stage.ended(&asked).await["State"], "promoted");
    let (base, before) = (stage.base().await, stage.models().await);

    // Whatever it is shown, it says the same: the class that is rarest in the held-out data.
    let says = |class: usize| {
        let mut network = Network::read(&base).unwrap();
        network.output.weights.fill(0.0);
        network.output.biases.iter_mut().enumerate().for_each(|(n, bias)| *bias = if n == class { 9.0 } else { 0.0 });
        network.write().unwrap()
    };
    let worst = (0..3).map(says).min_by(|a, b| stage.accuracy(a).total_cmp(&stage.accuracy(b))).unwrap();
    let asked = stage.open(bounds(1, 1)).await;
    asked.answer(&ada, worst.clone()).await;
    let ended = stage.ended(&asked).await;
    let (good, bad) = (stage.accuracy(&base), stage.accuracy(&worst));
    println!("held-out accuracy {good:.4} of the model, {bad:.4} of what was offered in its place");
    assert_eq!(ended["State"], "rejected", "{ended}");
    assert_eq!(ended["Reason"], format!("the held-out accuracy would fall from {good:.4} to {bad:.4}"));
    assert_eq!(outcome(&ended, &ada), left_out("the round was rejected"));
    assert!(ended.get("PostLearnNNModelID").is_none(), "{ended}");
    // The Store holds what it held, byte for byte, no file more; and the next round starts from it.
    assert_eq!((stage.models().await, stage.base().await), (before, base));
    assert_eq!(stage.files(), 4, "two models, the second as ONNX too, held-out data");
    assert_eq!(stage.open(bounds(1, 1)).await.number, 3);
    stage.stop().await;
}

/// Three answers; one licence is withdrawn when they are aggregated already and being judged.
async fn withdrawn_in_the_middle(stage: &mut Stage, least: u32) -> (Vec<FrontEnd>, Value) {
    let front_ends = stage.front_ends(3).await;
    let asked = stage.open(bounds(least, 3)).await;
    stage.all_answer(&asked, &front_ends).await;
    let (hold, aims) = (stage.hold_up().await, stage.aims().clone());
    let ending = tokio::spawn(async move { end(&aims).await });
    let held = hold.reached().await;
    assert_eq!(stage.round(&asked).await["State"], "aggregating");
    assert_eq!(stage.files(), 5 + 1, "model, held-out data, three answers; and the result nobody has judged");
    withdraw(&front_ends[0]).await;
    held.release().await;
    ending.await.unwrap().unwrap();
    let ended = stage.ended(&asked).await;
    (front_ends, ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_withdraws_during_the_aggregation_is_not_in_the_model() {
    let mut stage = Stage::start().await;
    let (front_ends, ended) = withdrawn_in_the_middle(&mut stage, 2).await;
    assert_eq!(ended["State"], "promoted", "{ended}");
    assert_eq!(outcome(&ended, &front_ends[0]), left_out("a licence behind it does not permit it: Revoked"));
    assert_eq!((outcome(&ended, &front_ends[1]), outcome(&ended, &front_ends[2])), (used(), used()));
    let message = stage.operator.get(&format!("/v1/store/models/{}", stage.model)).await.unwrap();
    let named = message["MLModelQualifier"]["Licences"].as_array().unwrap();
    assert_eq!(named.len(), 2, "{message}");
    assert!(!named.contains(&json!(front_ends[0].licence)), "{message}");
    // The model with the withdrawn licence in it was made, and is nowhere any more.
    assert_eq!(stage.files(), 4, "the model before, the new one and its ONNX file, held-out data");
    assert_eq!(stage.trainings(&front_ends[0]).await, [OperationState::Withheld]);
    assert_eq!(stage.trainings(&front_ends[1]).await, [OperationState::Done]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_that_leaves_too_few_ends_the_round_without_a_model() {
    let mut stage = Stage::start().await;
    let (front_ends, ended) = withdrawn_in_the_middle(&mut stage, 3).await;
    assert_eq!(
        (&ended["State"], &ended["Reason"]),
        (&json!("rejected"), &json!("2 answers remain; at least 3 are needed"))
    );
    assert_eq!(outcome(&ended, &front_ends[0]), left_out("a licence behind it does not permit it: Revoked"));
    assert_eq!(outcome(&ended, &front_ends[1]), left_out("the round was rejected"));
    assert_eq!((stage.files(), stage.models().await.len()), (2, 1));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_the_budget_does_not_cover_any_more_makes_nothing() {
    let mut stage = Stage::start().await;
    let ada = stage.front_end(1, TRAINING).await;
    let mut private = bounds(1, 1);
    private["Parameters"] = json!({"NoiseMultiplier": 4.0, "EpsilonBudget": 1.5, "Delta": 1e-5, "ClipNorm": 0.001});
    let asked = stage.open(private.clone()).await;
    asked.answer(&ada, stage.learned().await).await;
    let first = stage.ended(&asked).await;
    assert_eq!(first["Privacy"]["RhoSpent"], 1.0 / 32.0, "{first}");
    assert!(first["Privacy"]["EpsilonSpent"].as_f64().unwrap() <= 1.5, "{first}");

    // The door opens no other. One that is open all the same, as two instances might leave it, stops before it computes.
    let message = super::scene::round_message(
        &health_back_end::front_end::client::new_id(),
        json!({"HFEID": "*", "PreLearnNNModelID": stage.model, "MinimumResponses": 1, "MaximumResponses": 1,
            "Parameters": private["Parameters"]}),
    );
    assert!(refused(stage.operator.post("/v1/federated-learn/rounds", &message).await, 409).contains("budget"));
    let row = stage.house.database.find_round(uuid(&asked.round)).await.unwrap().unwrap();
    let id = Uuid::now_v7();
    let row = RoundRow { id, number: 2, base_model: uuid(&stage.model), state: RoundState::Open, rho: 0.0, ..row };
    let call = Call {
        audience: Audience::Service(Operation::FederatedLearning),
        kind: "federated-learn.opened".to_owned(),
        data: json!({}),
        created_at_us: 1,
    };
    stage.house.database.insert_round(&row, &call).await.unwrap();
    let asked = Asked { round: format!("urn:uuid:{id}"), number: 2, base: stage.model.clone(), ..asked };
    asked.answer(&ada, stage.learned().await).await;
    let (before, files) = (stage.models().await, stage.files());
    let ended = stage.ended(&asked).await;
    assert_eq!(
        (&ended["State"], &ended["Reason"]),
        (&json!("rejected"), &json!("the privacy budget of this model is spent"))
    );
    assert_eq!(ended["Privacy"], first["Privacy"], "nothing more was told");
    assert_eq!((stage.models().await, stage.files()), (before, files - 1));
    stage.stop().await;
}

fn names(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_failure_in_the_middle_of_an_aggregation_loses_nothing() {
    let mut scene = Scene::start().await;
    let front_ends = join_all((1..=3).map(|seed| scene.front_end(seed, TRAINING))).await;
    let mut request = bounds(2, 3);
    request["HFEID"] = json!("*");
    request["PreLearnNNModelID"] = json!(scene.model);
    let round = scene.open(request).await;
    let asked = Asked { back_end: scene.address.back_end, round: round.clone(), number: 1, base: scene.model.clone() };
    let base = verified_bytes(&front_ends[0].client, &scene.address.rpc, uuid(&scene.model)).await.unwrap();
    let better = scene.learned(&base);
    let models = scene.folder.path().join("data/models");
    let held_out = sha256(&std::fs::read(scene.folder.path().join("held-out.safetensors")).unwrap());
    let hold = Hold::at(models.join(hex::encode(held_out)));
    for (n, front_end) in front_ends.iter().enumerate() {
        asked.answer(front_end, along(&base, &better, 1.0 + 0.01 * n as f64)).await;
    }
    let held = hold.reached().await;
    let aggregating = scene.round(&round).await;
    assert_eq!((&aggregating["State"], &aggregating["Responses"]), (&json!("aggregating"), &json!(3)));
    assert_eq!(names(&models), 6, "model, held-out data, three answers, a result nobody has judged");
    held.restore();
    scene.restart().await;
    drop(held);

    let ended = scene.ended(&round).await;
    assert_eq!(ended["State"], "promoted", "{ended}");
    assert!(front_ends.iter().all(|front_end| outcome(&ended, front_end) == used()), "{ended}");
    let accuracy = |place: usize| ended["HeldOutAccuracy"][place].as_f64().unwrap();
    println!("killed while aggregating; held-out accuracy {:.4} before, {:.4} after", accuracy(0), accuracy(1));
    assert!(accuracy(1) > accuracy(0), "{ended}");
    // One new model, once as safetensors and once as ONNX; nothing of the first attempt is left.
    let list = scene.operator.get("/v1/store/models").await.unwrap();
    assert_eq!(list["Models"].as_array().unwrap().len(), 3, "{list}");
    assert_eq!(names(&models), 4, "{list}");
    scene.stop().await;
}
