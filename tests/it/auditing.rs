//! Audits: complete, honest about what was not covered, and checkable from outside.

use std::{task::Poll, time::Instant};

use alloy::primitives::{B128, B256};
use futures_util::{StreamExt, poll};
use health_back_end::{
    aims::auditing::{AuditQuestion, Audited, export::Format},
    chain::convert::ConfirmRequest,
    domain::{
        ids::{AihDataId, UserId},
        licence_event::Evidence,
        operation::Operation,
        taxonomy::{Usage, UserClass},
        verdict::FailingTerm,
    },
    licensing::{
        Licensing,
        confirm::{Answer, Question},
    },
    schema::{
        self,
        wire::{Audit, AuditResponse, Exchange, NonConformityKind as Kind, ProcessingStatus},
    },
    verify::{Finding, Verification, verify},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    copy::{Copy, permitted, question},
    house::{Client, House, urn},
    key,
};

/// Another End User.
const NEIGHBOUR: usize = 5;

/// A house with a patient, an institute, a licensed item and a clerk at work.
struct Scene {
    house: House,
    copy: Copy,
    gate: Licensing,
    patient: Client,
    item: AihDataId,
    licence: alloy::primitives::Address,
    stop: CancellationToken,
    clerk: JoinHandle<()>,
}

impl Scene {
    async fn set() -> Self {
        let house = House::start().await;
        let patient = house.end_user(PATIENT).await;
        house.chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
        let copy = Copy::of(&house);
        let gate = house.door.aims.licensing.clone();
        let (item, licence) = house.chain.license(&gate).await;
        copy.keep(item, key(PATIENT).address(), licence, None).await;
        let stop = CancellationToken::new();
        let clerk = tokio::spawn(copy.indexer().run(stop.clone()));
        Self { house, copy, gate, patient, item, licence, stop, clerk }
    }

    async fn strike(self) {
        self.stop.cancel();
        self.clerk.await.unwrap();
        self.house.stop().await;
    }

    fn asked(&self) -> Question {
        question(self.item, key(INSTITUTE).address())
    }

    /// Executes an operation as the house says, `after_s` seconds from now.
    async fn start(&self, id: uuid::Uuid, after_s: i64) {
        let at = self.copy.clock.micros() + after_s * 1_000_000;
        self.copy.database.start_operation(id, at, self.gate.vigil().head()).await.unwrap().required().unwrap();
    }

    /// A permitted and executed operation.
    async fn process(&self) -> (Question, Evidence) {
        let asked = self.asked();
        let evidence = permitted(&self.gate, &asked).await;
        let id = self.copy.record(&asked, &evidence, |_| ()).await;
        self.start(id, 0).await;
        (asked, evidence)
    }

    async fn audit(&self) -> AuditResponse {
        let answer = self.patient.post("/v1/audit", &message(&self.patient.user.to_string())).await;
        answer.expect(200);
        response(&answer.bytes)
    }

    async fn verified(&self, response: &AuditResponse) -> Vec<Finding> {
        let asked = Verification {
            end_user: self.patient.user,
            period: None,
            operations: None,
            response: Some(response.clone()),
            first_block: 0,
        };
        let report = verify(&self.house.chain.node(), &asked).await.unwrap();
        assert_eq!(report.holds(), report.to_string().ends_with("Everything agrees with the chain."));
        report.findings
    }
}

fn message(user: &str) -> Value {
    json!({
        "Header": "AIH-ADT-V1.0",
        "AuditID": urn(),
        "AuditTime": "2026-03-01T09:00:00Z",
        "Audit": {"Request": {
            "UserID": user,
            "AuditPeriod": {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2099-01-01T00:00:00Z"},
        }},
    })
}

fn response(bytes: &[u8]) -> AuditResponse {
    let audit = schema::read::<Audit>(bytes, 1 << 24).unwrap().message.audit;
    let Exchange::Response(response) = audit else { panic!("no response") };
    response
}

fn kinds(response: &AuditResponse) -> Vec<Kind> {
    response.non_conformities.iter().flatten().map(|fault| fault.kind).collect()
}

#[tokio::test]
async fn permits_and_denials_are_told_and_so_is_the_audit_itself() {
    let scene = Scene::set().await;
    let (executed, _) = scene.process().await;
    let only_permitted = scene.asked();
    permitted(&scene.gate, &only_permitted).await;
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let Answer::Denied(_) = scene.gate.confirm(&denied).await.unwrap() else { panic!("permitted") };

    let response = scene.audit().await;
    let [item] = response.aih_data.as_slice() else { panic!("{response:?}") };
    assert_eq!(item.aih_data_id, scene.item);
    let status = |id: [u8; 16]| {
        let entry = item.processing_types.iter().find(|e| e.licence_confirm_id.unwrap().into_bytes() == id).unwrap();
        (entry.status.unwrap(), entry.user_type, entry.reasons.clone().unwrap())
    };
    let institute = Some(UserClass::NonProfitEntity);
    assert_eq!(status(executed.confirm_id), (ProcessingStatus::Executed, institute, vec![]));
    assert_eq!(status(only_permitted.confirm_id), (ProcessingStatus::Permitted, institute, vec![]));
    assert_eq!(status(denied.confirm_id), (ProcessingStatus::Denied, institute, vec![FailingTerm::Process]));
    let own = item.processing_types.last().unwrap();
    assert_eq!((own.processing_type, own.status), (Operation::Auditing, Some(ProcessingStatus::Executed)));
    assert_eq!(kinds(&response), []);
    let complete = response.complete_to_block.as_ref().unwrap();
    assert!(complete.block_number >= own.evidence.as_ref().unwrap().block_number);
    assert_eq!(scene.verified(&response).await, []);
    scene.strike().await;
}

#[tokio::test]
async fn other_peoples_items_are_invisible() {
    let scene = Scene::set().await;
    scene.process().await;
    let neighbour = scene.house.end_user(NEIGHBOUR).await;
    neighbour.post("/v1/audit", &message(&scene.patient.user.to_string())).await.problem("forbidden");
    neighbour.get(&format!("/v1/audit/events?item={}", scene.item)).await.problem("not-found");
    let answer = neighbour.post("/v1/audit", &message(&neighbour.user.to_string())).await;
    let empty = response(&answer.expect(200).bytes);
    assert_eq!((empty.aih_data.len(), kinds(&empty)), (0, vec![]));
    assert!(empty.complete_to_block.is_some());
    scene.strike().await;
}

#[tokio::test]
async fn an_index_that_is_behind_gives_no_clean_bill() {
    let house = House::start().await;
    house.stop_indexing();
    // Registering is recorded on chain, where the copy does not follow any more.
    let patient = house.end_user(PATIENT).await;
    let asked = patient.request(reqwest::Method::POST, "/v1/audit").json(&message(&patient.user.to_string()));
    crate::environment::house::send(asked).await.problem("index-behind");
    house.stop().await;
}

#[tokio::test]
async fn what_was_not_covered_is_found() {
    let scene = Scene::set().await;
    let (copy, gate) = (&scene.copy, &scene.gate);
    // Recorded no, and a row that says yes.
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let Answer::Denied(denial) = gate.confirm(&denied).await.unwrap() else { panic!("permitted") };
    let id = copy.record(&denied, &denial.evidence, |_| ()).await;
    scene.start(id, 0).await;
    // Recorded for research, executed for care.
    let research = scene.asked();
    let at = permitted(gate, &research).await;
    let id = copy.record(&research, &at, |row| row.0.usage = Usage::HealthCare).await;
    scene.start(id, 0).await;
    // A place on chain that is not the answer's.
    let moved = scene.asked();
    let at = permitted(gate, &moved).await;
    // The clerk puts the place right when it copies the event; it has done so before the row is there.
    copy.vigil.indexed_up_to(at.position.block, std::time::Duration::from_secs(30)).await.unwrap();
    let id = copy.record(&moved, &at, |row| row.1.evidence.block_hash = B256::repeat_byte(9)).await;
    scene.start(id, 0).await;
    // Never asked.
    let id = copy.record(&scene.asked(), &at, |_| ()).await;
    scene.start(id, 0).await;
    // Said to be permitted, never asked, not executed.
    copy.record(&scene.asked(), &at, |_| ()).await;
    // A confirm ID taken away from an executed row.
    let id = copy.record(&scene.asked(), &at, |row| row.0.confirm_id = None).await;
    scene.start(id, 0).await;
    // Long after the licence has ended.
    let late = scene.asked();
    let at = permitted(gate, &late).await;
    let id = copy.record(&late, &at, |_| ()).await;
    scene.start(id, 7_200).await;
    // Before it was permitted.
    let early = scene.asked();
    let at = permitted(gate, &early).await;
    let id = copy.record(&early, &at, |_| ()).await;
    scene.start(id, -600).await;
    // After the withdrawal; what was executed before it is in order.
    scene.process().await;
    let withdrawn = scene.asked();
    let at = permitted(gate, &withdrawn).await;
    let id = copy.record(&withdrawn, &at, |_| ()).await;
    gate.revoke(scene.item, &scene.house.chain.sign_withdrawal(scene.item, scene.licence)).await.unwrap();
    scene.start(id, 5).await;

    let response = scene.audit().await;
    let found = |question: &Question| -> Vec<Kind> {
        let of = |id: &schema::wire::MessageId| id.into_bytes() == question.confirm_id;
        let faults = response.non_conformities.iter().flatten();
        faults.filter(|fault| fault.licence_confirm_id.as_ref().is_some_and(of)).map(|fault| fault.kind).collect()
    };
    assert_eq!(found(&denied), [Kind::EvidenceDiffers, Kind::Denied]);
    assert_eq!(found(&research), [Kind::TermsDiffer]);
    assert_eq!(found(&moved), [Kind::EvidenceDiffers]);
    // Seven thousand seconds later it was withdrawn, too.
    assert_eq!(found(&late), [Kind::AfterRevocation, Kind::AfterExpiry]);
    assert_eq!(found(&early), [Kind::NoConfirmation]);
    assert_eq!(found(&withdrawn), [Kind::AfterRevocation]);
    let unconfirmed = kinds(&response).iter().filter(|kind| **kind == Kind::NoConfirmation).count();
    assert_eq!(unconfirmed, 4, "{:?}", response.non_conformities);
    assert_eq!(kinds(&response).len(), 11, "{:?}", response.non_conformities);
    // What the chain holds is told rightly all the same.
    assert_eq!(scene.verified(&response).await, []);
    scene.strike().await;
}

/// The gate lets the chain's clock go some seconds behind the house's.
#[tokio::test]
async fn a_withdrawal_after_the_execution_is_no_fault_although_the_chain_s_clock_is_behind() {
    let scene = Scene::set().await;
    let asked = scene.asked();
    let at = permitted(&scene.gate, &asked).await;
    let id = scene.copy.record(&asked, &at, |_| ()).await;
    scene.start(id, 5).await;
    scene.gate.revoke(scene.item, &scene.house.chain.sign_withdrawal(scene.item, scene.licence)).await.unwrap();
    assert_eq!(scene.audit().await.non_conformities, Some(vec![]));
    scene.strike().await;
}

/// A block that the house did not know when it began tells nothing, unless its time does.
#[tokio::test]
async fn a_withdrawal_long_before_the_execution_is_found_although_the_house_had_not_seen_its_block() {
    let scene = Scene::set().await;
    let asked = scene.asked();
    let at = permitted(&scene.gate, &asked).await;
    let id = scene.copy.record(&asked, &at, |_| ()).await;
    scene.gate.revoke(scene.item, &scene.house.chain.sign_withdrawal(scene.item, scene.licence)).await.unwrap();
    let later = scene.copy.clock.micros() + 40_000_000;
    scene.copy.database.start_operation(id, later, at.position.block).await.unwrap().required().unwrap();
    let response = scene.audit().await;
    assert_eq!(kinds(&response), [Kind::AfterRevocation]);
    scene.strike().await;
}

#[tokio::test]
async fn an_answer_that_a_reorganisation_took_is_missed() {
    let scene = Scene::set().await;
    let (asked, evidence) = scene.process().await;
    let head = scene.gate.node().head().await.unwrap().number;
    scene.copy.vigil.indexed_up_to(head, std::time::Duration::from_secs(30)).await.unwrap();
    scene.house.chain.reorganise(head - evidence.position.block + 1, Vec::new()).await;
    scene.house.chain.mine(1).await;
    let aims = &scene.house.door.aims;
    // The operator's nonce went back with its transaction, so the gate cannot confirm an audit: the room is asked itself.
    let head = scene.gate.node().head().await.unwrap().number;
    scene.copy.vigil.indexed_up_to(head, std::time::Duration::from_secs(30)).await.unwrap();
    let gone = scene.copy.database.find_event_by_confirm_id(B128::from(asked.confirm_id)).await.unwrap();
    assert_eq!(gone, None);
    let operation =
        scene.copy.database.find_operation_by_confirm_id(B128::from(asked.confirm_id)).await.unwrap().unwrap();
    let register = health_back_end::domain::register::Register::new(aims.back_end().address());
    let faults = health_back_end::aims::auditing::examine::examine(&operation, None, &register);
    assert_eq!(faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [Kind::NoConfirmation]);
    scene.strike().await;
}

#[tokio::test]
async fn a_response_that_was_tampered_with_is_found_out() {
    let scene = Scene::set().await;
    scene.process().await;
    scene.process().await;
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let _ = scene.gate.confirm(&denied).await.unwrap();
    let honest = scene.audit().await;
    assert_eq!(scene.verified(&honest).await, []);
    let entries = |response: &mut AuditResponse, change: &dyn Fn(&mut Vec<schema::wire::Processing>)| {
        change(&mut response.aih_data[0].processing_types);
    };

    let mut removed = honest.clone();
    entries(&mut removed, &|entries| drop(entries.remove(1)));
    assert!(matches!(scene.verified(&removed).await.as_slice(), [Finding::Missing { .. }]));

    let mut changed = honest.clone();
    entries(&mut changed, &|entries| {
        let denial = entries.iter_mut().find(|entry| entry.status == Some(ProcessingStatus::Denied)).unwrap();
        denial.status = Some(ProcessingStatus::Executed);
        denial.reasons = Some(Vec::new());
    });
    let fields: Vec<_> = scene.verified(&changed).await;
    assert!(matches!(
        fields.as_slice(),
        [Finding::Differs { field: "Status", .. }, Finding::Differs { field: "Reasons", .. }]
    ));

    let mut added = honest.clone();
    entries(&mut added, &|entries| {
        let mut forged = entries[0].clone();
        forged.evidence.as_mut().unwrap().log_index += 77;
        entries.push(forged);
    });
    assert!(matches!(scene.verified(&added).await.as_slice(), [Finding::NotOnChain { .. }]));

    let mut doubled = honest.clone();
    entries(&mut doubled, &|entries| entries.push(entries[0].clone()));
    assert!(matches!(scene.verified(&doubled).await.as_slice(), [Finding::SaidTwice { .. }]));

    let mut elsewhere = honest.clone();
    elsewhere.complete_to_block.as_mut().unwrap().block_hash = B256::repeat_byte(7);
    assert!(matches!(scene.verified(&elsewhere).await.as_slice(), [Finding::UnknownBlock { .. }]));

    let mut boundless = honest.clone();
    boundless.complete_to_block = None;
    assert!(matches!(scene.verified(&boundless).await.as_slice(), [Finding::NoReach]));
    scene.strike().await;
}

#[tokio::test]
async fn exports_say_the_same_in_every_form() {
    let scene = Scene::set().await;
    scene.process().await;
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let _ = scene.gate.confirm(&denied).await.unwrap();
    let lines = scene.patient.get("/v1/audit/events").await;
    lines.expect(200);
    let text = String::from_utf8(lines.bytes.clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The issue of the licence, two answers, this audit, and the end.
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0]["Act"]["Act"], "Store");
    assert!(lines.last().unwrap()["CompleteToBlock"]["BlockHash"].is_string());

    let csv = scene.patient.get("/v1/audit/events?format=csv&types=Retrieve").await;
    let text = String::from_utf8(csv.expect(200).bytes.clone()).unwrap();
    let rows: Vec<_> = text.split("\r\n").collect();
    assert!(rows[0].starts_with("Kind,AIHDataID,") && rows[1].contains("denied") && rows[1].contains("Process"));
    assert!(rows[2].starts_with("CompleteToBlock,") && rows[3].is_empty(), "{text}");

    let fhir = scene.patient.get("/v1/audit/events?format=fhir").await;
    assert_eq!(fhir.expect(200).header("content-type"), "application/fhir+json");
    let entries = fhir.body["entry"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["resource"]["resourceType"] == "AuditEvent"));
    let reached = fhir.body["identifier"]["value"].as_str().unwrap();
    assert!(reached.split_once(":0x").is_some_and(|(number, hash)| number.parse::<u64>().is_ok() && hash.len() == 64));
    let outcomes: Vec<_> = entries.iter().map(|entry| entry["resource"]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "4").count(), 1);

    let message = scene.patient.get(&format!("/v1/audit/events?format=json&item={}", scene.item)).await;
    assert_eq!(response(&message.expect(200).bytes).aih_data.len(), 1);
    scene.patient.get("/v1/audit/events?format=pdf").await.problem("malformed-request");
    scene.patient.get("/v1/audit/events?until=1960-01-01T00:00:00Z").await.problem("schema-violation");
    scene.strike().await;
}

/// A client that stops reading leaves the export where it stands; it stands where it holds no connection.
#[tokio::test]
async fn an_export_that_nobody_reads_on_keeps_no_connection() {
    let scene = Scene::set().await;
    scene.process().await;
    let asked = AuditQuestion {
        end_user: scene.patient.user,
        from_s: 0,
        until_s: i64::from(u32::MAX),
        operations: None,
        item: None,
    };
    let aims = &scene.house.door.aims;
    let Audited::Opened(opened) = aims.open_audit(&asked).await.unwrap() else { panic!("denied") };
    let mut pieces = std::pin::pin!(aims.export_audit(&opened, Format::Ndjson));
    // As far as it goes at once, which is into a query; then never again.
    while let Poll::Ready(Some(piece)) = poll!(pieces.next()) {
        piece.unwrap();
    }
    let closing = scene.copy.database.close();
    tokio::time::timeout(std::time::Duration::from_secs(20), closing).await.expect("a connection does not come back");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_thousand_answers_are_verified_in_seconds() {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let gate = chain.licensing().await;
    let (item, _) = chain.license(&gate).await;
    let many = (0..1_000).map(|_| {
        let (gate, question) = (gate.clone(), question(item, key(INSTITUTE).address()));
        async move { gate.confirm(&question).await.unwrap() }
    });
    futures_util::future::join_all(many).await;
    let asked = Verification {
        end_user: UserId::new(gate.node().chain_id(), key(PATIENT).address()),
        period: None,
        operations: None,
        response: None,
        first_block: 0,
    };
    let begun = Instant::now();
    let report = verify(gate.node(), &asked).await.unwrap();
    let took = begun.elapsed();
    println!("1,000 answers verified in {took:?}");
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
    assert!(report.holds(), "{report}");
    assert_eq!((report.judged, report.decisions), (1_000, 1_000));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn the_register_rebuilt_from_events_judges_as_the_contract_did() {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let gate = chain.licensing().await;
    chain.live(&gate, 15).await;
    let head = gate.node().head().await.unwrap().number;
    let items: Vec<B256> =
        gate.node().events(0, head).await.unwrap().iter().filter_map(|event| event.kind.aih_data()).collect();
    // Everybody asks for everything, now that some of it was withdrawn, given up or derived.
    let everybody =
        [gate.node().registry(), key(INSTITUTE).address(), key(PATIENT).address(), key(NEIGHBOUR).address()];
    let operations = [
        Operation::PhysiologicalEventDetection,
        Operation::PhysiologicalParameterQuantification,
        Operation::DeIdAndAnonym,
    ];
    let mut requests = Vec::new();
    for item in items.iter().collect::<std::collections::BTreeSet<_>>() {
        for user in everybody {
            for (operation, usage) in
                operations.into_iter().zip([Usage::HealthCare, Usage::Research, Usage::Anonymised])
            {
                let at = health_back_end::clock::Clock::system().seconds() + rand::random_range(0..5_000);
                let confirm_id = rand::random();
                requests.push(ConfirmRequest { aih_data: *item, user, operation, usage, at, confirm_id });
            }
        }
    }
    chain.confirm(&requests).await;

    let end_user = UserId::new(gate.node().chain_id(), key(PATIENT).address());
    let asked = Verification { end_user, period: None, operations: None, response: None, first_block: 0 };
    let report = verify(gate.node(), &asked).await.unwrap();
    assert!(report.holds(), "{report}");
    assert!(report.judged >= requests.len() && report.denials > 0 && report.denials < report.decisions, "{report}");

    let copy = Copy::new(&chain).await;
    let begun = Instant::now();
    copy.indexer().catch_up().await.unwrap();
    println!("{} events copied in {:?}", report.events, begun.elapsed());
    copy.is_a_full_scan().await;
    chain.devnet.stop().await;
}
