//! A round as the audits of the End Users tell it whose recordings it was about: used, or refused; in the message, in each
//! export, and as somebody with a node of their own finds it.

use health_back_end::{
    domain::verdict::FailingTerm,
    front_end::{
        audit::{Question, check},
        client::{Client, new_id, now},
    },
};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{
    answers::{TRAINING, along, outcome, withdraw},
    scene::FrontEnd,
    stage::Stage,
};
use crate::items::server::until;

async fn audit(client: &Client) -> Value {
    let message = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": new_id(), "AuditTime": now(),
        "Audit": {"Request": {
            "UserID": client.user(),
            "AuditPeriod": {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2099-01-01T00:00:00Z"},
        }},
    });
    // On a busy machine the copy may be behind for a while, and says so.
    until("the copy has come up", async || client.post("/v1/audit", &message).await.ok()).await
}

/// The one decision about training in an audit.
fn training(audit: &Value) -> &Value {
    let items = audit["Audit"]["Response"]["AIHData"].as_array().unwrap();
    let entries = items.iter().flat_map(|item| item["ProcessingTypes"].as_array().unwrap());
    let found: Vec<_> = entries.filter(|entry| entry["ProcessingType"] == "FederatedLearning").collect();
    let [training] = found[..] else { panic!("{audit}") };
    training
}

/// The entity of the AuditEvent about training in a Bundle, and its outcome.
fn exported(bundle: &Value) -> (Vec<(String, String)>, String) {
    let events = bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]);
    let details = |event: &Value| -> Vec<(String, String)> {
        let list = event["entity"][0]["detail"].as_array().unwrap().iter();
        list.map(|d| (d["type"].as_str().unwrap().to_owned(), d["valueString"].as_str().unwrap().to_owned())).collect()
    };
    let is_training = ("Operation".to_owned(), "FederatedLearning".to_owned());
    let event = events.clone().find(|event| details(event).contains(&is_training)).unwrap();
    (details(event), event["outcome"].as_str().unwrap().to_owned())
}

async fn told(stage: &Stage, front_end: &FrontEnd, round: &str, refused: Option<FailingTerm>) {
    let client = &front_end.client;
    let answer = audit(client).await;
    let entry = training(&answer);
    let (status, reasons) = match refused {
        Some(term) => ("denied", json!([term])),
        None => ("executed", json!([])),
    };
    assert_eq!((&entry["Status"], &entry["Reasons"]), (&json!(status), &reasons), "{entry}");
    assert_eq!(entry["FederatedLearnID"], round);
    assert_eq!(entry["AIHDataID"], front_end.item.to_string());
    assert_eq!(
        entry["UserID"].as_str().unwrap().split(':').next_back(),
        stage.address.back_end.to_string().split(':').next_back()
    );
    let evidence = &entry["Evidence"];
    assert_eq!(evidence["LicenceID"], front_end.licence.to_string());
    let response = &answer["Audit"]["Response"];
    let reach = response["CompleteToBlock"]["BlockNumber"].as_u64().unwrap();
    assert!((1..=reach).contains(&evidence["BlockNumber"].as_u64().unwrap()), "{evidence}");
    assert_eq!(response["NonConformities"], json!([]));

    let fhir = client.bytes("/v1/audit/events?format=fhir").await.unwrap();
    let (details, outcome) = exported(&serde_json::from_slice(&fhir).unwrap());
    assert_eq!(outcome, if refused.is_some() { "4" } else { "0" });
    assert!(details.contains(&("FederatedLearnID".to_owned(), round.to_owned())), "{details:?}");
    assert!(details.contains(&("Evidence".to_owned(), evidence.to_string())), "{details:?}");
    let csv = String::from_utf8(client.bytes("/v1/audit/events?format=csv").await.unwrap()).unwrap();
    let row = csv.lines().find(|line| line.contains("FederatedLearning,")).unwrap();
    assert!(row.contains(status) && row.ends_with(round), "{row}");

    checked(stage, front_end, round, (&answer, refused)).await;
}

/// The same from outside: by the library, and as somebody runs it.
async fn checked(stage: &Stage, front_end: &FrontEnd, round: &str, (answer, refused): (&Value, Option<FailingTerm>)) {
    let question = |response| Question {
        rpc: stage.address.rpc.clone(),
        back_end: stage.address.back_end,
        end_user: front_end.client.user(),
        period: None,
        operations: None,
        response,
    };
    let report = check(question(Some(answer.clone()))).await.unwrap();
    assert_eq!(report.findings, []);
    let [training] = report.trainings.as_slice() else { panic!("{report}") };
    assert_eq!(training.verdict.reasons().collect::<Vec<_>>(), refused.into_iter().collect::<Vec<_>>());
    assert_eq!(training.round.as_deref(), Some(round));
    assert_eq!(training.item, front_end.item.to_string());
    // The chain alone knows of the training and not of the round.
    let alone = check(question(None)).await.unwrap();
    assert_eq!((alone.trainings.len(), alone.trainings[0].round.clone()), (1, None));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.json");
    std::fs::write(&file, answer.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hfe"));
    command.args(["audit", "verify", "--rpc-url", &stage.address.rpc]);
    command.args(["--back-end", &stage.address.back_end.to_string(), "--user", &front_end.client.user().to_string()]);
    let done = command.arg("--response").arg(&file).output().await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}");
    let line = said.lines().find(|line| line.starts_with("Training")).unwrap_or_else(|| panic!("{said}"));
    let verdict = if refused.is_some() { "refused: Revoked" } else { "permitted" };
    let position = training.evidence.position;
    let place = format!("block {}, log {}", position.block, position.log_index);
    assert!([round, verdict, &place, &training.item].iter().all(|part| line.contains(*part)), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_training_and_a_refused_training_are_told_with_their_round() {
    let mut stage = Stage::start().await;
    let front_ends = futures_util::future::join_all((1..=3).map(|seed| stage.front_end(seed, TRAINING))).await;
    let asked = stage.open(json!({"MinimumResponses": 2, "MaximumResponses": 3})).await;
    let (base, better) = (stage.base().await, stage.learned().await);
    for (n, front_end) in front_ends.iter().enumerate() {
        asked.answer(front_end, along(&base, &better, 1.0 + 0.01 * n as f64)).await;
    }
    withdraw(&front_ends[0]).await;
    let ended = stage.ended(&asked).await;
    assert_eq!(ended["State"], "promoted", "{ended}");
    assert_eq!(outcome(&ended, &front_ends[0]).1, "a licence behind it does not permit it: Revoked");
    told(&stage, &front_ends[0], &asked.round, Some(FailingTerm::Revoked)).await;
    told(&stage, &front_ends[1], &asked.round, None).await;
    stage.stop().await;
}
