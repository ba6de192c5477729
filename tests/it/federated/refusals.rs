//! Answers that are refused, each in its own way, each with its reason told and noted; and the round that goes on
//! untouched by them.

use futures_util::future::join_all;
use health_back_end::{
    front_end::{
        client::new_id,
        training::session::{answer_message, verified_bytes},
    },
    mpai_store::models::layout,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answers::{Asked, Draft, TRAINING, along, moved, outcome, refused, send, uuid, with_first, withdraw},
    scene::{FrontEnd, Scene, round_message},
};

async fn base(scene: &Scene, front_end: &FrontEnd) -> Vec<u8> {
    verified_bytes(&front_end.client, &scene.address.rpc, uuid(&scene.model)).await.unwrap()
}

fn draft(scene: &Scene, front_end: &FrontEnd, round: &str, bytes: Vec<u8>) -> Draft {
    let (round, base) = (round.to_owned(), scene.model.clone());
    Asked { back_end: scene.address.back_end, round, number: 1, base }.draft(front_end, bytes)
}

fn request(scene: &Scene, more: Value) -> Value {
    let mut request =
        json!({"HFEID": "*", "PreLearnNNModelID": scene.model, "MinimumResponses": 2, "MaximumResponses": 3});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poisoned_answers_are_refused_by_name_and_the_round_goes_on() {
    let scene = Scene::start().await;
    let (ada, bob) = (scene.front_end(1, TRAINING).await, scene.front_end(2, TRAINING).await);
    let cleo = scene.front_end(3, &["PhysiologicalEventDetection"]).await;
    let round = scene.open(request(&scene, json!({}))).await;
    let base = base(&scene, &ada).await;
    let good = moved(&base, 1.0);
    let of = |bytes: Vec<u8>| draft(&scene, &ada, &round, bytes);

    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let said = refused(send(&ada, &of(with_first(&good, value))).await, 422);
        assert!(said.contains("holds a value that is not finite"), "{said}");
    }
    let wrong = layout::write("", &[("hidden.bias", vec![3], vec![0.0; 3])]).unwrap();
    assert!(refused(send(&ada, &of(wrong)).await, 422).contains("shape"));
    let said = refused(send(&ada, &of(b"\x80\x04\x95 a pickle".to_vec())).await, 422);
    assert!(said.contains("not a safetensors file"), "{said}");
    let said = refused(send(&ada, &of(good[..good.len() - 4].to_vec())).await, 422);
    assert!(said.contains("longer or shorter"), "{said}");

    // Bound to another round, another number, another model; signed by another; for other bytes.
    let mut other = of(good.clone());
    other.statement.number = 2;
    assert!(refused(send(&ada, &other).await, 422).contains("number of this round"));
    let mut other = of(good.clone());
    other.statement.base = Uuid::now_v7();
    assert!(refused(send(&ada, &other).await, 422).contains("signature"));
    let mut other = of(good.clone());
    other.statement.round = Uuid::now_v7();
    refused(send(&ada, &other).await, 404);
    let theirs = draft(&scene, &ada, &round, good.clone());
    let signature = theirs.statement.sign(ada.client.key()).unwrap();
    let message = answer_message(bob.client.user(), &theirs.statement, &signature, good.len(), None);
    assert!(refused(bob.client.answer_round(&message, good.clone()).await, 422).contains("not the Front End's"));
    let mut swapped = of(good.clone());
    swapped.bytes = moved(&base, 2.0);
    assert!(refused(send(&ada, &swapped).await, 422).contains("digest"));

    // Somebody else's data, and data that is not licensed for it: the chain records the no.
    let mut foreign = of(good.clone());
    foreign.statement.items = vec![bob.item];
    assert!(refused(send(&ada, &foreign).await, 422).contains("not known here as this End User's"));
    let denied = send(&cleo, &draft(&scene, &cleo, &round, moved(&base, 3.0))).await.unwrap_err();
    assert!(denied.problem().unwrap()["evidence"].is_object(), "{denied}");

    // Nothing of it counted. The good answer does, once; the same again finds it, another does not.
    assert_eq!(scene.round(&round).await["Responses"], 0);
    send(&ada, &of(good.clone())).await.unwrap();
    send(&ada, &of(good.clone())).await.unwrap();
    assert!(refused(send(&ada, &of(moved(&base, 4.0))).await, 409).contains("has answered"));
    assert!(refused(send(&bob, &draft(&scene, &bob, &round, good)).await, 409).contains("this very model"));
    let told = scene.round(&round).await;
    assert_eq!((&told["State"], &told["Responses"]), (&json!("collecting"), &json!(1)));
    let rejections = told["Rejections"].as_array().unwrap();
    assert!(rejections.len() >= 11, "{told}");
    // A participant sees their own part only.
    let own = bob.client.get(&format!("/v1/federated-learn/rounds/{round}")).await.unwrap();
    assert!(own["Participants"].as_array().unwrap().is_empty() && own["Rejections"].as_array().unwrap().len() == 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_survives_a_restart_and_leaves_out_who_withdrew_and_who_shouts() {
    let mut scene = Scene::start().await;
    let mut front_ends = join_all((1..=6).map(|seed| scene.front_end(seed, TRAINING))).await;
    let more = json!({"MinimumResponses": 3, "MaximumResponses": 6, "Aggregation": "Median"});
    let round = scene.open(request(&scene, more)).await;
    let base = base(&scene, &front_ends[0]).await;
    let better = scene.learned(&base);
    for (n, front_end) in front_ends.iter().take(4).enumerate() {
        let bytes = along(&base, &better, 1.0 + 0.01 * n as f64);
        send(front_end, &draft(&scene, front_end, &round, bytes)).await.unwrap();
    }
    // One withdraws after answering.
    withdraw(&front_ends[0]).await;
    scene.restart().await;
    for front_end in &mut front_ends {
        front_end.client = scene.again(front_end).await;
    }
    assert_eq!(scene.round(&round).await["State"], "collecting");
    let shout = draft(&scene, &front_ends[4], &round, along(&base, &better, 50.0));
    send(&front_ends[4], &shout).await.unwrap();
    let turned = draft(&scene, &front_ends[5], &round, along(&base, &better, -1.0));
    send(&front_ends[5], &turned).await.unwrap();
    let ended = scene.ended(&round).await;
    assert_eq!(ended["State"], "promoted", "{ended}");
    let reason = |n: usize| outcome(&ended, &front_ends[n]).1;
    assert_eq!(reason(0), "a licence behind it does not permit it: Revoked", "{ended}");
    assert!(reason(4).contains("times as long as the median"), "{ended}");
    assert!(reason(5).contains("points against"), "{ended}");
    for front_end in &front_ends[1..4] {
        assert_eq!(outcome(&ended, front_end), ("used".to_owned(), String::new()), "{ended}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_promises_too_much_is_not_opened_and_a_spent_budget_stops() {
    let scene = Scene::start().await;
    let open = async |more: Value| {
        let message = round_message(&new_id(), request(&scene, more));
        scene.operator.post("/v1/federated-learn/rounds", &message).await
    };
    let private = |epsilon: f64| {
        json!({"Aggregation": "WeightedMean", "MinimumResponses": 1, "MaximumResponses": 1,
        "Parameters": {"NoiseMultiplier": 4.0, "EpsilonBudget": epsilon, "Delta": 1e-5, "ClipNorm": 0.001}})
    };
    for (more, reason) in [
        (json!({"Parameters": {"Epoch": 1}}), "does not take a parameter of this name"),
        (json!({"Parameters": {"Epochs": 1.5}}), "whole numbers"),
        (json!({"Parameters": {"ClipNorm": -1}}), "out of its range"),
        (json!({"Parameters": {"NoiseMultiplier": 1.0}}), "come together"),
        (json!({"Aggregation": "Krum", "Parameters": {"Attackers": 1}}), "not defined for so few"),
        (json!({"Aggregation": "TrimmedMean"}), "needs Attackers"),
        (json!({"Aggregation": "Median", "Parameters": {"Attackers": 1}}), "goes with TrimmedMean"),
        (json!({"Round": 7}), "number of the next round"),
        (json!({"Deadline": "2020-01-01T00:00:00Z"}), "past"),
        (json!({"MaximumResponses": 1}), "less than MinimumResponses"),
        (json!({"PreLearnNNModelID": "urn:uuid:00000000-0000-4000-8000-000000000000"}), "no such model"),
    ] {
        let said = refused(open(more.clone()).await, 422);
        assert!(said.contains(reason), "{more}: {said}");
    }
    let robust = json!({"Aggregation": "Median", "Parameters": private(5.0)["Parameters"]});
    assert!(refused(open(robust).await, 422).contains("WeightedMean"));
    assert!(refused(open(private(1.0)).await, 409).contains("budget"));
    let ada = scene.front_end(1, TRAINING).await;
    let user = ada.client.user().to_string();
    assert!(
        refused(
            ada.client
                .post("/v1/federated-learn/rounds", &round_message(&scene.model, request(&scene, json!({}))))
                .await,
            403
        )
        .contains("operator"),
        "{user}"
    );

    // ε = 1.23 after one round at z = 4, δ = 10⁻⁵: a second would make 1.76.
    open(private(1.5)).await.unwrap();
    assert!(refused(open(private(1.5)).await, 409).contains("under way"));
    let list = ada.client.get("/v1/federated-learn").await.unwrap();
    let round = list["Requests"][0]["FederatedLearnID"].as_str().unwrap().to_owned();
    // The same ID is the same round only when it asks for the same.
    let repeat = async |more: Value| {
        let message = round_message(&round, request(&scene, more));
        scene.operator.post("/v1/federated-learn/rounds", &message).await
    };
    repeat(private(1.5)).await.unwrap();
    for (name, value) in [("Parameters", json!({})), ("Aggregation", json!("Median")), ("MinimumResponses", json!(2))] {
        let mut other = private(1.5);
        other[name] = value;
        assert!(refused(repeat(other).await, 409).contains("another round"), "{name}");
    }
    let base = base(&scene, &ada).await;
    send(&ada, &draft(&scene, &ada, &round, moved(&base, 0.001))).await.unwrap();
    let ended = scene.ended(&round).await;
    let spent = ended["Privacy"]["EpsilonSpent"].as_f64().unwrap();
    assert!((spent - (1.0 / 32.0 + 2.0 * (1e5_f64.ln() / 32.0).sqrt())).abs() < 1e-9, "{ended}");
    let again = json!({"PreLearnNNModelID": ended.get("PostLearnNNModelID").unwrap_or(&ended["PreLearnNNModelID"])});
    let mut more = private(1.5);
    more.as_object_mut().unwrap().extend(again.as_object().unwrap().clone());
    assert!(refused(open(more.clone()).await, 409).contains("spent"));
    more["Parameters"] = json!({});
    assert!(refused(open(more).await, 409).contains("does not name the same"));
    scene.stop().await;
}
