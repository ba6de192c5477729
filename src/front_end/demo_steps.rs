//! The steps of the demo: each does one thing over HTTP and says in plain words what came of it.

use alloy::{primitives::B256, providers::Provider};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    audit::{Question, check},
    client::{ClientError, new_id, now},
    demo::{Cast, DemoError, waiting},
    paperwork::{self, Wish},
};
use crate::{
    aims::aih_data_processing::ecg::score::BeatScore,
    chain::{ChainError, node::witness},
    clock::Clock,
    domain::ids::{AihDataId, LicenceId},
};

const HOUR: u64 = 3_600;
/// How far a detected beat may lie from the true one, in seconds.
const BEAT_TOLERANCE_S: f64 = 0.150;

/// The item the story is about.
pub(super) struct Item {
    id: AihDataId,
    licence: LicenceId,
}

pub(super) async fn register(cast: &mut Cast) -> Result<(), DemoError> {
    cast.story.step("A patient and a research institute register");
    let human = json!({ "IfHuman": { "Name": "Ada", "Surname": "Example", "UserType": "End User" } });
    cast.patient.register(human, &["Store", "AIHDataProcessing", "Auditing", "LicenceChange", "DeIDAndAnonym"]).await?;
    let institute = json!({ "IfOrganisation": {
        "Name": "Example Heart Institute", "Code": "EX-0001", "Country": "IT", "Type": "Non-Profit Entity" } });
    cast.institute.register(institute, &["AIHDataProcessing"]).await?;
    cast.operator.log_in(&["AIHDataProcessing"]).await?;
    cast.story.fact("Back End", cast.patient.back_end());
    cast.story.fact("patient", cast.patient.user());
    cast.story
        .fact("institute", format!("{} (a non-profit entity; a registrar vouched for it)", cast.institute.user()));
    Ok(())
}

pub(super) async fn upload(cast: &mut Cast) -> Result<Item, DemoError> {
    cast.story.step("The patient signs a Model Licence for an ECG and uploads it");
    let id = AihDataId::from_uuid(Uuid::now_v7());
    let (user, back_end) = (cast.patient.user(), *cast.patient.back_end());
    let document = paperwork::write(&wish(id), &user, &back_end);
    for sentence in paperwork::read_aloud(&document, &back_end)? {
        cast.story.tell(format!("“{sentence}”"));
    }
    let message = json!({
        "Header": "AIH-AHD-V1.0",
        "AIHDataID": id,
        "EndUserID": user,
        "AIHDataTime": now(),
        "AIHData": { "DataLength": cast.recording.bytes.len(), "DataURI": "cid:payload" },
        "AIHDataQualifier": cast.recording.qualifier,
        "ModelLicence": document,
        "ModelLicenceSignature": paperwork::sign(&document, &back_end, 0, cast.patient.key())?,
    });
    let bar = waiting("uploading …");
    let length = cast.recording.bytes.len() as u64;
    let answer = cast.patient.upload(&message, cast.recording.bytes.clone().into(), length).await?;
    bar.finish_and_clear();
    let licence = text(&answer, "/LicenceID")?.parse().map_err(|_| DemoError::Lacks("a Licence ID"))?;
    cast.story.fact("recording", &cast.recording.description);
    cast.story.fact("AIH Data ID", id);
    let item = Item { id, licence };
    cast.story.fact("Licence ID", item.licence);
    let code = cast.provider.get_code_at(item.licence.address()).await.map_err(ChainError::from)?;
    tell_issue(cast, &item).await?;
    cast.story.expect(!code.is_empty(), "the Licence ID is a contract on the chain");
    Ok(item)
}

/// The Back End's answer names the licence; the transaction that made it is found on the chain itself.
async fn tell_issue(cast: &Cast, item: &Item) -> Result<(), DemoError> {
    let node = witness(&cast.rpc, *cast.patient.back_end()).await?;
    let events = node.events(0, node.head().await?.number).await?;
    let issued = events.iter().find(|event| event.kind.licence() == Some(item.licence.address()));
    let hash = issued.ok_or(DemoError::Lacks("the event of the issue"))?.transaction;
    tell_transaction(cast, hash).await
}

fn wish(item: AihDataId) -> Wish {
    let start = Clock::system().seconds() - HOUR;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    Wish {
        item,
        data_class: "PhysiologicalSignal".to_owned(),
        start,
        end: start + 24 * HOUR,
        status: "Identified".to_owned(),
        back_end_processes: words(&["PhysiologicalEventDetection"]),
        back_end_usages: words(&["Health Care"]),
        user_types: words(&["Non-Profit Entity"]),
        processes: words(&["PhysiologicalParameterQuantification"]),
        usages: words(&["Research"]),
    }
}

pub(super) async fn permitted(cast: &mut Cast, item: &Item) -> Result<(), DemoError> {
    cast.story.step("The institute asks for the heart rate, for research: the licence covers it");
    let bar = waiting("processing …");
    let answer =
        cast.institute.process(&item.id.to_string(), "PhysiologicalParameterQuantification", "Research").await?;
    bar.finish_and_clear();
    tell_confirmation(cast, &answer).await?;
    let result = result_of(&answer)?;
    cast.story.fact("result ID", text(&answer, "/AIHDataProcess/Response/AIHData/AIHDataID")?);
    cast.story.fact("its licence", text(&answer, "/AIHDataProcess/Response/AIHData/LicenceID")?);
    let number = |label: &str| result.get(label).and_then(Value::as_f64);
    let facts = [
        ("heart rate", "MeanHeartRateBeatsPerMinute", "beats/min"),
        ("SDNN", "SDNNMilliseconds", "ms"),
        ("RMSSD", "RMSSDMilliseconds", "ms"),
        ("pNN50", "PNN50Percent", "%"),
    ];
    for (name, label, unit) in facts {
        if let Some(value) = number(label) {
            cast.story.fact(name, format!("{value:.1} {unit}"));
        }
    }
    let rate = number("MeanHeartRateBeatsPerMinute");
    cast.story.expect(rate.is_some_and(|rate| (30.0..220.0).contains(&rate)), "a heart rate came back");
    Ok(())
}

pub(super) async fn denied(cast: &mut Cast, item: &Item) -> Result<(), DemoError> {
    cast.story.step("The institute asks for something the licence does not cover");
    let outcome = cast.institute.process(&item.id.to_string(), "PhysiologicalStateClassification", "Health Care").await;
    tell_denial(cast, outcome, "the chain recorded a no, with the reasons").await
}

pub(super) async fn back_end_processes(cast: &mut Cast, item: &Item) -> Result<(), DemoError> {
    cast.story.step("The Back End itself finds the heart beats, as the licence lets it");
    let back_end = cast.operator.back_end().to_string();
    let bar = waiting("processing …");
    let answer =
        cast.operator.process_as(&back_end, &item.id.to_string(), "PhysiologicalEventDetection", "Health Care").await?;
    bar.finish_and_clear();
    tell_confirmation(cast, &answer).await?;
    let result = result_of(&answer)?;
    let times = result.get("EventTimesSeconds").and_then(Value::as_array).ok_or(DemoError::Lacks("beat times"))?;
    let beats: Vec<f64> = times.iter().filter_map(Value::as_f64).collect();
    cast.story.fact("beats found", beats.len());
    match &cast.recording.true_beats {
        Some(truth) => {
            let score = BeatScore::of(truth, &beats, BEAT_TOLERANCE_S);
            cast.story.fact("F1 at 150 ms", format!("{:.2} % of {} true beats", score.f1() * 100.0, truth.len()));
            cast.story.expect(score.f1() >= 0.995, "the beats are those the recording was made with");
        }
        None => cast.story.expect(!beats.is_empty(), "heart beats were found"),
    }
    Ok(())
}

pub(super) async fn withdraw(cast: &mut Cast, item: &Item) -> Result<(), DemoError> {
    cast.story.step("The patient withdraws the licence");
    withdrawal(cast, &item.id, item.licence).await
}

/// Withdraws a licence.
pub(super) async fn withdrawal(cast: &mut Cast, item: &AihDataId, licence: LicenceId) -> Result<(), DemoError> {
    let back_end = *cast.patient.back_end();
    let signature = paperwork::sign_withdrawal(item, licence.address(), &back_end, cast.patient.key())?;
    let body = json!({
        "Header": "AIH-BCL-V1.0",
        "BlockchainLicenceID": new_id(),
        "BlockchainLicenceTime": now(),
        "BlockchainLicence": { "Request": {
            "AIHDataID": item,
            "Revocation": { "LicenceID": licence, "Scope": "WholeLicence", "Signature": signature },
        } },
    });
    let answer = cast.patient.post(&format!("/v1/licences/{licence}/revocation"), &body).await?;
    if let Some(evidence) = answer.pointer("/BlockchainLicence/Response/Evidence") {
        tell_evidence(cast, evidence).await?;
    }
    let state = answer.pointer("/BlockchainLicence/Response/State").and_then(Value::as_str);
    cast.story.expect(state == Some("Revoked"), "the licence is withdrawn");
    Ok(())
}

pub(super) async fn denied_after_withdrawal(cast: &mut Cast, item: &Item) -> Result<(), DemoError> {
    cast.story.step("The institute asks for the heart rate again");
    let outcome =
        cast.institute.process(&item.id.to_string(), "PhysiologicalParameterQuantification", "Research").await;
    tell_denial(cast, outcome, "what was permitted before is denied now").await
}

async fn tell_denial(cast: &mut Cast, outcome: Result<Value, ClientError>, what: &str) -> Result<(), DemoError> {
    let denial = match outcome {
        Ok(_) => {
            cast.story.expect(false, what);
            return Ok(());
        }
        Err(denial) => denial,
    };
    for reason in denial.reasons() {
        cast.story.tell(format!("denied: {reason}"));
    }
    let evidence = denial.problem().and_then(|problem| problem.get("evidence")).cloned();
    cast.story.expect(!denial.reasons().is_empty() && evidence.is_some(), what);
    match evidence {
        Some(evidence) => tell_evidence(cast, &evidence).await,
        None => Err(denial.into()),
    }
}

async fn tell_confirmation(cast: &mut Cast, answer: &Value) -> Result<(), DemoError> {
    let evidence = answer
        .pointer("/AIHDataProcess/Response/LicenceConfirm/LicenceConfirm/Response/Evidence")
        .cloned()
        .ok_or(DemoError::Lacks("the confirmation's evidence"))?;
    tell_evidence(cast, &evidence).await
}

pub(super) async fn tell_evidence(cast: &Cast, evidence: &Value) -> Result<(), DemoError> {
    let hash: B256 = text(evidence, "/TransactionHash")?.parse().map_err(|_| DemoError::Lacks("a transaction hash"))?;
    tell_transaction(cast, hash).await
}

async fn tell_transaction(cast: &Cast, hash: B256) -> Result<(), DemoError> {
    let receipt = cast.provider.get_transaction_receipt(hash).await.map_err(ChainError::from)?;
    let receipt = receipt.ok_or(DemoError::Lacks("a transaction the chain knows"))?;
    let block = receipt.block_number.unwrap_or_default();
    cast.story.fact("on chain", format!("transaction {hash}"));
    cast.story.fact("", format!("block {block}, gas {}", receipt.gas_used));
    Ok(())
}

pub(super) fn result_of(answer: &Value) -> Result<Value, DemoError> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let data = text(answer, "/AIHDataProcess/Response/AIHData/AIHData/Data")?;
    let bytes = STANDARD.decode(data).map_err(|_| DemoError::Lacks("data in base64"))?;
    serde_json::from_slice(&bytes).map_err(|_| DemoError::Lacks("a result in JSON"))
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, DemoError> {
    value.pointer(pointer).and_then(Value::as_str).ok_or(DemoError::Lacks("what was asked for"))
}

pub(super) async fn audit(cast: &mut Cast, item: &Item) -> Result<(), DemoError> {
    cast.story.step("The patient audits, and checks the audit against the chain without the Back End");
    let start = crate::domain::window::rfc3339(Clock::system().seconds() - HOUR);
    let end = crate::domain::window::rfc3339(Clock::system().seconds() + HOUR);
    let body = json!({
        "Header": "AIH-ADT-V1.0",
        "AuditID": new_id(),
        "AuditTime": now(),
        "Audit": { "Request": {
            "UserID": cast.patient.user(),
            "AuditPeriod": { "StartTime": start, "EndTime": end },
        } },
    });
    let answer = cast.patient.post("/v1/audit", &body).await?;
    tell_decisions(cast, &answer, item);
    let faults = answer.pointer("/Audit/Response/NonConformities").and_then(Value::as_array).map_or(0, Vec::len);
    cast.story.expect(faults == 0, "nothing was done without a recorded yes");
    let report = check(Question {
        rpc: cast.rpc.clone(),
        back_end: *cast.patient.back_end(),
        end_user: cast.patient.user(),
        period: None,
        operations: None,
        response: Some(answer),
    })
    .await?;
    cast.story.tell("Read from the chain, without the Back End:");
    for line in report.to_string().lines() {
        cast.story.tell(line);
    }
    cast.story.expect(report.holds() && report.said.is_some_and(|said| said >= 4), "the audit is what the chain holds");
    Ok(())
}

fn tell_decisions(cast: &mut Cast, answer: &Value, item: &Item) {
    let items = answer.pointer("/Audit/Response/AIHData").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = item.id.to_string();
    let mut decisions = 0;
    for entry in items.iter().filter_map(|item| item.get("ProcessingTypes")?.as_array()).flatten() {
        let word = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("–").to_owned();
        let who = entry.get("UserType").and_then(Value::as_str).unwrap_or("the Back End");
        let (time, status) = (word("ProcessTime"), word("Status"));
        cast.story.tell(format!(
            "{time}  {status:<9} {} for {}, asked by {who}",
            word("ProcessingType"),
            word("Usage")
        ));
        decisions += usize::from(word("AIHDataID") == own);
    }
    cast.story.expect(decisions >= 4, "every decision about the item is there, permits and denials");
}
