//! Rounds that make a model.

use std::path::Path;

use futures_util::future::join_all;
use health_back_end::{
    front_end::{conformance, training::session::verified_bytes},
    schema::conformance::EXAMPLES,
};
use serde_json::json;

use super::scene::{FrontEnd, Scene};
use crate::conformance_kit::not_exercised;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_front_ends_make_a_better_model_in_three_rounds() {
    let scene = Scene::start().await;
    let front_ends: Vec<FrontEnd> = join_all((1..=10).map(|seed| scene.front_end(seed, &["FederatedLearning"]))).await;
    let (mut model, mut first, mut last) = (scene.model.clone(), None, 0.0);
    for number in 1..=3_u64 {
        let id = scene
            .open(json!({
                "HFEID": "*", "PreLearnNNModelID": model, "MinimumResponses": 8, "MaximumResponses": 10,
                "Aggregation": "WeightedMean",
                "Parameters": {"Epochs": 1, "LearningRate": 0.003, "BatchSize": 16},
            }))
            .await;
        let said = join_all(front_ends.iter().enumerate().map(|(n, fe)| scene.train(fe, n as u64 + 10 * number))).await;
        assert!(said.iter().all(|line| line.starts_with(&format!("round {number} ("))), "{said:?}");
        let round = scene.ended(&id).await;
        assert_eq!(round["State"], "promoted", "{round}");
        let accuracy = |place: usize| round["HeldOutAccuracy"][place].as_f64().unwrap();
        println!("round {number}: held-out accuracy {:.4} before, {:.4} after", accuracy(0), accuracy(1));
        first.get_or_insert(accuracy(0));
        last = accuracy(1);
        assert!(round["Participants"].as_array().unwrap().iter().all(|answer| answer["State"] == "used"), "{round}");
        model = round["PostLearnNNModelID"].as_str().unwrap().to_owned();
        // What every Front End is told at the end.
        let told = front_ends[0].client.get(&format!("/v1/federated-learn/{id}")).await.unwrap();
        assert_eq!(told["FederatedLearn"]["Response"]["PostLearnNNModel"]["MLModelObjectID"], model.as_str());
    }
    let before = first.unwrap();
    assert!(last > 0.9 && last > before + 0.2, "held-out accuracy {before} to {last}");
    lineage(&scene, &front_ends, &model).await;
    scene.stop().await;
}

/// What a round leaves behind is what the conformance kit finds: the models, and the response of the round.
#[tokio::test]
async fn the_conformance_kit_finds_the_response_of_a_round() {
    let scene = Scene::start().await;
    let front_ends: Vec<FrontEnd> = join_all((1..=2).map(|seed| scene.front_end(seed, &["FederatedLearning"]))).await;
    let id = scene
        .open(json!({
            "HFEID": "*", "PreLearnNNModelID": scene.model, "MinimumResponses": 2, "MaximumResponses": 2,
            "Aggregation": "WeightedMean", "Parameters": {"Epochs": 1, "LearningRate": 0.003, "BatchSize": 16},
        }))
        .await;
    join_all(front_ends.iter().enumerate().map(|(n, front_end)| scene.train(front_end, n as u64))).await;
    assert_eq!(scene.ended(&id).await["State"], "promoted");
    let (url, rpc) = (&scene.address.url, &scene.address.rpc);
    let report = conformance::test(url, Some(rpc), Path::new(EXAMPLES)).await.unwrap();
    let failures: Vec<_> = report.failures().map(|failure| (&failure.file, &failure.refusal)).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(not_exercised(&report), Vec::<String>::new(), "{report}");
    scene.stop().await;
}

/// The last model names its parent, its round, and the licence of every Front End; an ONNX file stands beside it.
async fn lineage(scene: &Scene, front_ends: &[FrontEnd], model: &str) {
    let message = scene.operator.get(&format!("/v1/store/models/{model}")).await.unwrap();
    let qualifier = &message["MLModelQualifier"];
    let mut licences: Vec<String> = front_ends.iter().map(|fe| fe.licence.to_string()).collect();
    let mut named: Vec<&str> = qualifier["Licences"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    licences.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, licences);
    // To anybody else it does not say who took part.
    for path in [format!("/v1/store/models/{model}"), "/v1/store/models".to_owned()] {
        let told = front_ends[0].client.get(&path).await.unwrap().to_string();
        assert!(told.contains("Digest") && !told.contains("Licences"), "{told}");
        assert!(licences.iter().all(|licence| !told.contains(licence.as_str())), "{told}");
    }
    assert_eq!((qualifier["Version"].as_str(), qualifier["Round"].as_u64()), (Some("4"), Some(3)));
    assert!(qualifier["ParentMLModelObjectID"].is_string() && qualifier["FederatedLearnID"].is_string());
    let list = scene.operator.get("/v1/store/models").await.unwrap();
    let onnx =
        list["Models"].as_array().unwrap().iter().find(|m| {
            m["MLModelQualifier"]["Format"] == "ONNX" && m["MLModelQualifier"]["ParentMLModelObjectID"] == model
        });
    let id =
        onnx.expect("an ONNX file beside the model")["MLModelObjectID"].as_str().unwrap()["urn:uuid:".len()..].parse();
    let bytes = verified_bytes(&front_ends[0].client, &scene.address.rpc, id.unwrap()).await.unwrap();
    assert!(bytes.windows(4).any(|four| four == b"Gemm"));
}
