//! Updates that are well-formed and bad: too long, turned round, of another round, of three colluders among ten. What is
//! malformed is in `refusals`.

use futures_util::future::join_all;
use health_back_end::mpai_store::models::network::Network;
use serde_json::{Value, json};

use super::{
    answers::{Asked, TRAINING, along, outcome, refused, send},
    scene::FrontEnd,
    stage::Stage,
};

async fn front_ends(stage: &Stage, count: u64) -> Vec<FrontEnd> {
    join_all((1..=count).map(|seed| stage.front_end(seed, TRAINING))).await
}

fn accuracy(round: &Value) -> (f64, f64) {
    let of = |place: usize| round["HeldOutAccuracy"][place].as_f64().unwrap();
    (of(0), of(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scaled_and_turned_updates_are_left_out_by_name_and_the_others_make_the_model() {
    let mut stage = Stage::start().await;
    let people = front_ends(&stage, 5).await;
    let asked = stage.open(json!({"MinimumResponses": 3, "MaximumResponses": 5, "Aggregation": "WeightedMean"})).await;
    let (base, better) = (stage.base().await, stage.learned().await);
    for (front_end, times) in people.iter().zip([1.0, 1.01, 1.02, 1_000.0, -1.03]) {
        asked.answer(front_end, along(&base, &better, times)).await;
    }
    let ended = stage.ended(&asked).await;
    assert_eq!(ended["State"], "promoted", "{ended}");
    let told: Vec<(String, String)> = people.iter().map(|front_end| outcome(&ended, front_end)).collect();
    assert!(told[..3].iter().all(|(state, _)| state == "used"), "{ended}");
    assert_eq!(
        told[3],
        ("left_out".into(), "the update is more than 10 times as long as the median of the round".into())
    );
    assert_eq!(told[4], ("left_out".into(), "the update points against that of the others (cosine -1.00)".into()));
    assert!(accuracy(&ended).1 > accuracy(&ended).0, "{ended}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_another_round_is_worth_nothing_in_this_one() {
    let mut stage = Stage::start().await;
    let people = front_ends(&stage, 2).await;
    let (ada, bob) = (&people[0], &people[1]);
    let bounds = json!({"MinimumResponses": 1, "MaximumResponses": 1});
    let first = stage.open(bounds.clone()).await;
    let old = first.draft(ada, stage.learned().await);
    send(ada, &old).await.unwrap();
    assert_eq!(stage.ended(&first).await["State"], "promoted");
    let second = stage.open(bounds).await;

    // Verbatim, to the round it was for.
    assert!(refused(send(ada, &old).await, 409).contains("takes no more answers"));
    // The signed message of round 1, with the ID of round 2 on it, then its number, then its model too.
    let mut message = old.message(ada);
    message["FederatedLearnID"] = json!(second.round);
    let send_as = async |message: &Value| ada.client.answer_round(message, old.bytes.clone()).await;
    assert!(refused(send_as(&message).await, 422).contains("not the number of this round"));
    message["FederatedLearn"]["Response"]["Round"] = json!(2);
    assert!(refused(send_as(&message).await, 422).contains("signature is not the Front End's"));
    message["FederatedLearn"]["Response"]["PostLearnNNModel"]["MLModelQualifier"]["ParentMLModelObjectID"] =
        json!(second.base);
    assert!(refused(send_as(&message).await, 422).contains("signature is not the Front End's"));
    // Somebody else's answer of this round, as one's own.
    let theirs = second.draft(bob, stage.learned().await);
    let mut message = theirs.message(bob);
    message["EndUserID"] = json!(ada.client.user());
    let outcome = ada.client.answer_round(&message, theirs.bytes.clone()).await;
    assert!(refused(outcome, 422).contains("signature is not the Front End's"));

    // Nothing was kept of it, all of it is noted, and the round goes on.
    let told = stage.round(&second).await;
    assert_eq!((&told["State"], &told["Responses"]), (&json!("open"), &json!(0)), "{told}");
    assert_eq!(told["Rejections"].as_array().unwrap().len(), 4, "{told}");
    assert_eq!(stage.round(&first).await["Rejections"].as_array().unwrap().len(), 1);
    assert_eq!(stage.files(), 4, "two models, the second as ONNX too, held-out data");
    send(bob, &theirs).await.unwrap();
    assert_eq!(stage.ended(&second).await["State"], "promoted");
    stage.stop().await;
}

/// Seven learn each from a recording of their own; three send the same, turned round and three times as long.
async fn attacked(stage: &mut Stage, people: &[FrontEnd], rule: &str) -> (Asked, Value) {
    let told = if rule == "Median" { json!({}) } else { json!({"Attackers": 3}) };
    let asked = stage
        .open(json!({"MinimumResponses": 10, "MaximumResponses": 10, "Aggregation": rule, "Parameters": told}))
        .await;
    let base = stage.base().await;
    let turned = along(&base, &stage.learned_by(&base, 1), -3.0);
    for (n, front_end) in people.iter().enumerate() {
        let bytes = if n < 3 { nudged(&turned, n) } else { stage.learned_by(&base, n as u64 + 1) };
        asked.answer(front_end, bytes).await;
    }
    let ended = stage.ended(&asked).await;
    (asked, ended)
}

/// The same to any rule, other bytes to the check for copies.
fn nudged(model: &[u8], n: usize) -> Vec<u8> {
    let mut network = Network::read(model).unwrap();
    network.output.biases[0] += 1e-4 * n as f64;
    network.write().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_colluders_of_ten_do_not_keep_a_round_from_making_a_better_model() {
    let mut stage = Stage::start().await;
    let people = front_ends(&stage, 10).await;
    for (rule, left_out) in [("Median", "points against"), ("MultiKrum", "the aggregation chose other answers")] {
        let (asked, ended) = attacked(&mut stage, &people, rule).await;
        assert_eq!(ended["State"], "promoted", "{ended}");
        let (before, after) = accuracy(&ended);
        println!(
            "round {}, {rule}, 30 % colluding: held-out accuracy {before:.4} before, {after:.4} after",
            asked.number
        );
        for front_end in &people[..3] {
            let (state, reason) = outcome(&ended, front_end);
            assert!(state == "left_out" && reason.contains(left_out), "{rule}: {ended}");
        }
        assert!(people[3..].iter().all(|front_end| outcome(&ended, front_end).0 == "used"), "{rule}: {ended}");
    }
    let last = stage.accuracy(&stage.base().await);
    assert!(last > 0.85, "{last}");
    stage.stop().await;
}
