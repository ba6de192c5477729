//! A licence is changed, an item erased, and all of it audited.

use serde_json::{Value, json};

use super::{HOUR, Stored, wish, words};
use crate::{
    clock::Clock,
    domain::window,
    front_end::{
        audit::{Question, check},
        client::{new_id, now},
        demo::{Cast, DemoError},
        demo_steps::{text, withdrawal},
        paperwork,
    },
};

/// Gives the item under its new licence.
pub(super) async fn change(cast: &mut Cast, item: Stored) -> Result<Stored, DemoError> {
    cast.story.step("Licence Change: the patient signs another licence for the same recording");
    let before = cast.institute.process(&item.id.to_string(), PARAMETERS, "Research").await;
    let mut wish = wish("PhysiologicalSignal");
    wish.item = item.id;
    wish.user_types = words(&["Non-Profit Entity"]);
    wish.processes = words(&["PhysiologicalEventDetection"]);
    wish.usages = words(&["Research"]);
    let (user, back_end) = (cast.patient.user(), *cast.patient.back_end());
    let document = paperwork::write(&wish, &user, &back_end);
    let body = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": new_id(), "BlockchainLicenceTime": now(),
        "BlockchainLicence": { "Request": {
            "AIHDataID": item.id, "ModelLicence": document, "Sequence": 1,
            "ModelLicenceSignature": paperwork::sign(&document, &back_end, 1, cast.patient.key())?,
        } },
    });
    let answer = cast.patient.put(&format!("/v1/licences/{}", item.licence), &body).await?;
    let response = &answer["BlockchainLicence"]["Response"];
    cast.story.fact("new Licence ID", text(response, "/BlockchainLicenceID")?);
    let after = cast.institute.process(&item.id.to_string(), PARAMETERS, "Research").await;
    let denied = after.err().map(|denial| denial.reasons()).unwrap_or_default();
    for reason in &denied {
        cast.story.tell(format!("denied: {reason}"));
    }
    cast.story.expect(before.is_ok() && !denied.is_empty(), "what was permitted before the change is denied after it");
    let licence = text(response, "/BlockchainLicenceID")?.parse().map_err(|_| DemoError::Lacks("a Licence ID"))?;
    Ok(Stored { licence, ..item })
}

const PARAMETERS: &str = "PhysiologicalParameterQuantification";

pub(super) async fn erase(cast: &mut Cast, item: &Stored) -> Result<(), DemoError> {
    cast.story.step("Storage: the patient withdraws the licence and erases the recording");
    withdrawal(cast, &item.id, item.licence).await?;
    cast.patient.delete(&format!("/v1/aih-data/{}", item.id)).await?;
    let gone = cast.patient.bytes(&format!("/v1/aih-data/{}/payload", item.id)).await;
    let status = gone.err().and_then(|error| error.problem().and_then(|problem| problem["status"].as_u64()));
    cast.story.expect(status == Some(410), "the recording is gone: its key is destroyed");
    Ok(())
}

pub(super) async fn audit(cast: &mut Cast) -> Result<(), DemoError> {
    cast.story.step("Auditing: all of it, checked against the chain without the Back End");
    let time = Clock::system().seconds();
    let period = json!({ "StartTime": window::rfc3339(time - HOUR), "EndTime": window::rfc3339(time + HOUR) });
    let body = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": new_id(), "AuditTime": now(),
        "Audit": { "Request": { "UserID": cast.patient.user(), "AuditPeriod": period } },
    });
    let answer = cast.patient.post("/v1/audit", &body).await?;
    let decided = |word: &str| count(&answer, "ProcessingTypes", "ProcessingType", word);
    for (word, by) in DECIDED {
        cast.story.fact(word, format!("{} decisions: {by}", decided(word)));
        cast.story.expect(decided(word) > 0, "it is in the audit");
    }
    let done = |word: &str| count(&answer, "Acts", "Act", word);
    for (word, by) in DONE {
        cast.story.fact(word, format!("{} acts: {by}", done(word)));
        cast.story.expect(done(word) > 0, "it is in the audit");
    }
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
    for line in report.to_string().lines() {
        cast.story.tell(line);
    }
    cast.story.expect(report.holds(), "the audit is what the chain holds");
    Ok(())
}

/// What this walk asked the chain for, and where.
const DECIDED: [(&str, &str); 8] = [
    ("Retrieve", "the treated image read, its pseudonyms looked up"),
    (PARAMETERS, "processing"),
    ("PhysiologicalStateClassification", "processing by the learned model"),
    ("LesionExtentQuantification", "processing of the image, refused and permitted"),
    ("DeIDAndAnonym", "the image treated"),
    ("AnomalyAndRiskAlerting", "alerting"),
    ("FederatedLearning", "training"),
    ("Auditing", "this audit"),
];

/// What this walk did on the patient's signature, or as the last step of what was permitted.
const DONE: [(&str, &str); 6] = [
    ("Store", "uploads"),
    ("Derive", "results and the treated image"),
    ("Unseal", "the pseudonyms opened"),
    ("ChangeLicence", "the licence changed"),
    ("RevokeLicence", "the licence withdrawn"),
    ("Erase", "the recording erased"),
];

/// Entries of a list of each item that are of a kind.
fn count(answer: &Value, list: &str, label: &str, word: &str) -> usize {
    let items = answer.pointer("/Audit/Response/AIHData").and_then(Value::as_array).cloned().unwrap_or_default();
    let entries = items.iter().filter_map(|item| item.get(list)?.as_array()).flatten();
    entries.filter(|entry| entry[label] == word).count()
}
