//! A licence that runs out between an answer and the end of its round, and before the next answer.

use serde_json::json;

use super::{
    answers::{TRAINING, along, outcome, refused, send},
    stage::Stage,
};

/// Longer than any licence of these tests lasts.
const DAY: u64 = 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_enters_no_model_and_no_round() {
    let mut stage = Stage::start().await;
    let mut ada = stage.front_end(1, TRAINING).await;
    let asked = stage.open(json!({"MinimumResponses": 1, "MaximumResponses": 1})).await;
    let better = stage.learned().await;
    // Licensed when it is sent, and not when the round ends.
    asked.answer(&ada, better.clone()).await;
    stage.pass(DAY).await;
    stage.operator.log_in(&["FederatedLearning"]).await.unwrap();
    ada.client.log_in(&["Store", "LicenceChange", "FederatedLearning"]).await.unwrap();
    let ended = stage.ended(&asked).await;
    assert_eq!(ended["State"], "rejected", "{ended}");
    let left_out = "a licence behind it does not permit it: Expired".to_owned();
    assert_eq!(outcome(&ended, &ada), ("left_out".to_owned(), left_out));
    assert_eq!((stage.files(), stage.models().await.len()), (2, 1));

    let asked = stage.open(json!({"MinimumResponses": 1, "MaximumResponses": 1})).await;
    let answer = asked.draft(&ada, along(&stage.base().await, &better, 0.9));
    let said = refused(send(&ada, &answer).await, 403);
    assert!(said.contains("licence"), "{said}");
    stage.stop().await;
}
