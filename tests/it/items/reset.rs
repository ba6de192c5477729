//! A chain that was reset, and restored.

use std::path::Path;

use alloy::{
    network::EthereumWallet,
    primitives::Bytes,
    providers::{Provider, ProviderBuilder},
};
use health_back_end::{
    chain::{
        bindings::LicenceRegistry,
        node::{connect, witness},
    },
    config::anvil::AnvilConfig,
    db::{
        Database,
        operations::{NewOperation, OperationKind},
    },
    domain::{
        ids::{AihDataId, LicenceId, UserId},
        operation::Operation,
        taxonomy::UserClass,
    },
    schema::{
        self,
        wire::{Audit, AuditResponse, Exchange, NonConformityKind, ProcessingStatus},
    },
    startup::devnet::{Devnet, binary},
    verify::{Finding, Verification, verify},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    paper::{self, PARAMETERS, Parcel, licence_in, process, reasons, request, result_item, withdraw},
    server::{Server, until},
};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, send, urn},
    key,
    premises::{self, Premises},
};

pub(super) async fn institute(server: &Server, folder: &Path) -> Client {
    let client = server.stranger(INSTITUTE);
    let services = crate::environment::house::ALL_SERVICES;
    client.register(&client.organisation("Non-Profit Entity"), &services).await.expect(202);
    let class = UserClass::NonProfitEntity.to_string();
    let user = client.user.to_string();
    let done = Server::command(folder, &["users", "approve", &user, &class, "--rpc-url", &server.rpc_url]).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    server.again(INSTITUTE).await
}

pub(super) struct Used {
    pub parcel: Parcel,
    pub licence: LicenceId,
    pub result: AihDataId,
}

pub(super) async fn used(server: &Server, patient: &Client, institute: &Client) -> Used {
    let parcel = paper::parcel(patient, &server.back_end, &paper::ecg());
    let licence = licence_in(&parcel.send_in_parts(patient).await.expect(201).body);
    let done = process(institute, &request(institute, parcel.id, PARAMETERS, "Research")).await;
    let result = result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap();
    Used { parcel, licence, result }
}

/// What the chain says of a licence, and what it would answer.
pub(super) async fn standing(client: &Client, licence: &str) -> Value {
    let answer = client.get(&format!("/v1/licences/{licence}")).await;
    let response = &answer.expect(200).body["BlockchainLicence"]["Response"];
    json!([response["State"], response["RootLicenceID"], response["ParentLicenceID"], response["ModelLicenceHash"]])
}

pub(super) async fn licence_of(client: &Client, item: AihDataId) -> String {
    let answer = client.get(&format!("/v1/aih-data/{item}")).await;
    answer.expect(200).body["LicenceID"].as_str().unwrap().to_owned()
}

pub(super) fn wipe(folder: &Path) {
    let config = std::fs::read_to_string(folder.join("anvil.toml")).unwrap();
    for line in config.lines().filter(|line| line.starts_with("state =") || line.starts_with("cache_path")) {
        let path = line.split('"').nth(1).unwrap();
        let path = folder.join("data").join(path.strip_prefix("var/").unwrap());
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir_all(&path);
    }
}

#[tokio::test]
async fn a_reset_chain_is_restored_with_the_same_licences_and_verdicts() {
    let place = Premises::new().await;
    let folder = place.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
    let (kept, withdrawn) = (used(&server, &patient, &institute).await, used(&server, &patient, &institute).await);
    withdraw(&patient, &server.back_end, withdrawn.parcel.id, withdrawn.licence).await;
    // Licensed again after a withdrawal: a longer history.
    let again = used(&server, &patient, &institute).await;
    withdraw(&patient, &server.back_end, again.parcel.id, again.licence).await;
    let document =
        health_back_end::front_end::paperwork::write(&paper::wish(again.parcel.id), &patient.user, &server.back_end);
    let signature =
        health_back_end::front_end::paperwork::sign(&document, &server.back_end, 2, &patient.signer).unwrap();
    let wish = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": crate::environment::house::urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": again.parcel.id, "ModelLicence": document, "ModelLicenceSignature": signature, "Sequence": 2,
        }},
    });
    send(patient.request(Method::PUT, &format!("/v1/licences/{}", again.licence)).json(&wish)).await.expect(200);
    let mut before = Vec::new();
    for item in [kept.parcel.id, kept.result, withdrawn.parcel.id, withdrawn.result, again.parcel.id, again.result] {
        let licence = licence_of(&patient, item).await;
        before.push((item, standing(&patient, &licence).await, licence));
    }
    // It ends in order, so that nothing writes after the wipe.
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);
    // Started on the empty chain first, as an operator who has not read the manual would: the clerk sees it empty.
    let empty = Server::alone(folder).await;
    empty.stranger(PATIENT).get("/v1/service-info").await.expect(200);
    assert_eq!(empty.terminate().await, Some(0));
    for _ in 0..2 {
        let done = Server::command(folder, &["chain", "restore"]).await;
        let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{said}\n{wrong}");
        println!("{said}");
        assert!(said.contains("licences          4") && said.contains("derived licences  3"), "{said}");
    }

    let server = Server::alone(folder).await;
    let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
    for (item, state, licence) in before {
        assert_eq!(licence_of(&patient, item).await, licence);
        assert_eq!(standing(&patient, &licence).await, state, "{item}");
    }
    let ask = async |item| process(&institute, &request(&institute, item, PARAMETERS, "Research")).await;
    ask(kept.parcel.id).await.expect(200);
    ask(again.parcel.id).await.expect(200);
    assert_eq!(reasons(ask(withdrawn.parcel.id).await.expect(403)), ["Revoked"]);
    for item in [withdrawn.result, again.result] {
        let read = institute.get(&format!("/v1/aih-data/{item}/payload?usage=Research")).await;
        assert_eq!(reasons(read.expect(403)), ["Revoked", "Process"], "{item}");
    }
    let payload = patient.get(&format!("{}/payload", kept.parcel.path())).await;
    assert_eq!(payload.expect(200).bytes, kept.parcel.payload);
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn another_registry_is_not_restored_into() {
    let place = Premises::new().await;
    let folder = place.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let parcel = paper::table(&patient, &server.back_end, b"time,pulse\n");
    parcel.send_inline(&patient).await.expect(201);
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);
    // Another admin has another registry.
    let admin = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
    let done = Server::command_with(folder, &["chain", "restore"], &[("HBE_ADMIN_KEY", admin)]).await;
    let wrong = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && wrong.contains("nothing was written"), "{wrong}");
}

/// The End User withdraws without the Back End, by a transaction of their own and without a signature to repeat.
async fn withdraw_directly(server: &Server, item: AihDataId) {
    let provider = connect(&server.rpc_url).await.unwrap();
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(key(PATIENT))).connect_provider(provider);
    let registry = LicenceRegistry::new(server.back_end.address(), provider);
    let sent = registry.revoke(item.hash(), Bytes::new()).send().await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
}

async fn audit(client: &Client) -> AuditResponse {
    let message = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": urn(), "AuditTime": "2026-03-01T09:00:00Z",
        "Audit": {"Request": {
            "UserID": client.user,
            "AuditPeriod": {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2099-01-01T00:00:00Z"},
        }},
    });
    let answer = client.post("/v1/audit", &message).await;
    let audit = schema::read::<Audit>(&answer.expect(200).bytes, 1 << 24).unwrap().message.audit;
    let Exchange::Response(response) = audit else { panic!("no response") };
    response
}

/// What the chain says against an audit, and how many things it can say nothing about.
async fn verified(server: &Server, response: &AuditResponse, end_user: UserId) -> (Vec<Finding>, usize) {
    let node = witness(&server.rpc_url, server.back_end).await.unwrap();
    let asked =
        Verification { end_user, period: None, operations: None, response: Some(response.clone()), first_block: 0 };
    let report = verify(&node, &asked).await.unwrap();
    (report.findings.clone(), report.earlier)
}

async fn restore(folder: &Path) -> String {
    let done = Server::command(folder, &["chain", "restore"]).await;
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}\n{wrong}");
    said.into_owned()
}

#[tokio::test]
async fn a_withdrawal_sent_to_the_chain_directly_is_not_undone_by_a_restoration() {
    let premises = Premises::new().await;
    let folder = premises.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
    let (kept, gone) = (used(&server, &patient, &institute).await, used(&server, &patient, &institute).await);
    withdraw_directly(&server, gone.parcel.id).await;
    // The copy has it when the audit is complete up to there.
    let before = audit(&patient).await;
    assert_eq!((before.non_conformities, before.earlier_chain), (Some(vec![]), None));
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);
    for _ in 0..2 {
        let said = restore(folder).await;
        assert!(said.contains(&format!("left unlicensed   {}", gone.parcel.id)), "{said}");
        assert!(said.contains("licences          1") && said.contains("derived licences  1"), "{said}");
    }

    let server = Server::alone(folder).await;
    let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
    let node = witness(&server.rpc_url, server.back_end).await.unwrap();
    for item in [gone.parcel.id, gone.result] {
        assert_eq!(node.item(item.hash()).await.unwrap().licence, None, "{item}");
        assert!(!node.is_licence(gone.licence.address()).await.unwrap());
        let message = request(&institute, item, PARAMETERS, "Research");
        process(&institute, &message).await.expect(404);
        institute.get(&format!("/v1/aih-data/{item}/payload?usage=Research")).await.expect(404);
    }
    process(&institute, &request(&institute, kept.parcel.id, PARAMETERS, "Research")).await.expect(200);

    // What the old chain said of both is told as that, and nothing of it as never permitted.
    let after = audit(&patient).await;
    assert_eq!(after.non_conformities, Some(vec![]));
    let told = |item| {
        let earlier = after.earlier_chain.iter().flatten().filter(move |told| told.aih_data_id == item);
        earlier.map(|told| (told.processing_type, told.status)).collect::<Vec<_>>()
    };
    let executed = ProcessingStatus::Executed;
    let asked = (Operation::PhysiologicalParameterQuantification, executed);
    assert!(told(kept.parcel.id).contains(&asked), "{:?}", told(kept.parcel.id));
    for act in [asked, (Operation::Store, executed), (Operation::LicenceChange, executed)] {
        assert!(told(gone.parcel.id).contains(&act), "{act:?} in {:?}", told(gone.parcel.id));
    }
    let (findings, earlier) = verified(&server, &after, patient.user).await;
    assert_eq!((findings, earlier), (vec![], after.earlier_chain.as_ref().unwrap().len()));
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn what_was_decided_before_a_reset_is_told_as_that_and_only_after_a_restoration() {
    let premises = Premises::new().await;
    let folder = premises.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
    let kept = used(&server, &patient, &institute).await;
    let never = request(&institute, kept.parcel.id, PARAMETERS, "Clinical Trial");
    process(&institute, &never).await.expect(403);
    let erased = used(&server, &patient, &institute).await;
    withdraw(&patient, &server.back_end, erased.parcel.id, erased.licence).await;
    send(patient.request(Method::DELETE, &erased.parcel.path())).await.expect(204);
    let before = audit(&patient).await;
    assert_eq!(before.non_conformities, Some(vec![]));
    assert_eq!(server.terminate().await, Some(0));

    // The house's row of an execution nobody ever permitted: no chain excuses it.
    let invented = invent(folder, &kept, &patient, &institute).await;
    wipe(folder);
    let server = Server::alone(folder).await;
    let patient = Client { url: server.url.clone(), ..patient };
    // Reset and not restored, the chain knows no licence: the audit is refused rather than answered with a clean bill.
    let refused = patient.get("/v1/audit/events").await;
    println!("reset and not restored: {} {}", refused.status, String::from_utf8_lossy(&refused.bytes));
    let unanswered = String::from_utf8_lossy(&refused.bytes);
    assert!(!unanswered.contains("EarlierChain"), "{unanswered}");
    assert_eq!(server.terminate().await, Some(0));
    restore(folder).await;

    let server = Server::alone(folder).await;
    let patient = server.again(PATIENT).await;
    let after = audit(&patient).await;
    let earlier = after.earlier_chain.as_deref().unwrap();
    let of_kept = |status| {
        let asked = Operation::PhysiologicalParameterQuantification;
        let of = earlier.iter().filter(|told| (told.aih_data_id, told.processing_type) == (kept.parcel.id, asked));
        of.filter(|told| told.status == status).collect::<Vec<_>>()
    };
    let [executed] = of_kept(ProcessingStatus::Executed)[..] else { panic!("{earlier:?}") };
    let [denied] = of_kept(ProcessingStatus::Denied)[..] else { panic!("{earlier:?}") };
    // The receipt of then, to the letter.
    let decisions = before.aih_data.iter().flat_map(|item| &item.processing_types);
    let then: Vec<_> = decisions.filter(|decision| decision.aih_data_id == kept.parcel.id).collect();
    for told in [executed, denied] {
        let of_then = then.iter().find(|then| then.licence_confirm_id == told.licence_confirm_id).unwrap();
        assert_eq!((of_then.evidence.as_ref(), of_then.status), (Some(&told.evidence), Some(told.status)));
        assert_eq!((&of_then.reasons, of_then.usage), (&told.reasons, told.usage));
        assert!(told.restored_time.at() > told.process_time.at());
    }
    let faults: Vec<_> = after.non_conformities.iter().flatten().collect();
    let [fault] = faults[..] else { panic!("{faults:?}") };
    assert_eq!(fault.kind, NonConformityKind::NoConfirmation);
    assert_eq!(fault.licence_confirm_id.unwrap().into_bytes(), invented.into_bytes());
    let (findings, told) = verified(&server, &after, patient.user).await;
    assert_eq!((findings, told), (vec![], earlier.len()));
    for format in ["ndjson", "csv", "fhir"] {
        let answer = patient.get(&format!("/v1/audit/events?format={format}")).await;
        let text = String::from_utf8(answer.expect(200).bytes.clone()).unwrap();
        let word = if format == "fhir" { "recorded on an earlier chain" } else { "EarlierChain" };
        assert!(text.contains(word), "{format}: {text}");
    }
    assert_eq!(server.terminate().await, Some(0));
}

/// A row that says an operation was permitted and executed, which nobody ever asked the chain about.
async fn invent(folder: &Path, used: &Used, patient: &Client, institute: &Client) -> uuid::Uuid {
    let cellar = Database::connect(&premises::database_url(folder), 1).await.unwrap();
    let rows = cellar.list_operations_on_item(used.parcel.id, None, 100).await.unwrap().rows;
    let real = rows.iter().find(|row| row.requester == institute.user && row.started_at_us.is_some()).unwrap();
    let id = uuid::Uuid::new_v4();
    let new = NewOperation {
        id,
        kind: OperationKind::Process,
        message_id: None,
        requester: institute.user,
        user_class: real.user_class,
        aih_data_id: used.parcel.id,
        owner: Some(patient.user),
        operation: real.operation,
        usage: real.usage,
        intended_at_s: real.intended_at_s,
        parameters: json!({}),
        confirm_id: Some(alloy::primitives::B128::from(id.into_bytes())),
        created_at_us: real.created_at_us + 1,
    };
    let _ = cellar.insert_operation(&new).await.unwrap();
    let now = real.finished_at_us.unwrap();
    cellar.answer_operation(id, &real.answer.unwrap(), now).await.unwrap().required().unwrap();
    cellar.start_operation(id, now).await.unwrap().required().unwrap();
    cellar.finish_operation(id, None, now).await.unwrap().required().unwrap();
    cellar.close().await;
    id
}

#[tokio::test]
async fn a_restoration_that_is_killed_again_and_again_comes_to_the_same_end() {
    let premises = Premises::new().await;
    let folder = premises.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
    let mut items = Vec::new();
    for n in 0..4 {
        let used = used(&server, &patient, &institute).await;
        if n % 2 == 1 {
            withdraw(&patient, &server.back_end, used.parcel.id, used.licence).await;
        }
        items.push(used);
    }
    let mut before = Vec::new();
    for item in items.iter().flat_map(|used| [used.parcel.id, used.result]) {
        let licence = licence_of(&patient, item).await;
        before.push((item, standing(&patient, &licence).await, licence));
    }
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);

    // A chain of its own, so that it lives on while the restoration is killed: after each further transaction, until one
    // attempt comes through.
    let anvil = AnvilConfig {
        port: 0,
        state: None,
        state_interval: None,
        cache_path: Some(folder.join("another-cache")),
        ..AnvilConfig::read(Path::new("anvil.toml")).unwrap()
    };
    let devnet = Devnet::start(&binary(Path::new(".")), &anvil, folder).await.unwrap();
    let node = connect(&devnet.url()).await.unwrap();
    let deployed = Server::command(folder, &["deploy", "--rpc-url", &devnet.url()]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    let (mut kills, mut ended) = (0, false);
    while !ended {
        let reached = node.get_block_number().await.unwrap();
        let mut attempt = Server::begin(folder, &["chain", "restore", "--rpc-url", &devnet.url()]);
        ended = until("it sends something, or is done", async || {
            if let Some(status) = attempt.try_wait().unwrap() {
                assert!(status.success());
                return Some(true);
            }
            (node.get_block_number().await.unwrap() > reached).then_some(false)
        })
        .await;
        if !ended {
            attempt.kill().await.unwrap();
            kills += 1;
            // Nothing is permitted in between: no Back End starts on it.
            let up = Server::command(folder, &["up", "--listen", "127.0.0.1:0", "--rpc-url", &devnet.url()]).await;
            let wrong = String::from_utf8_lossy(&up.stderr);
            assert!(!up.status.success() && wrong.contains("run `hbe chain restore` again"), "{wrong}");
        }
    }
    println!("killed {kills} times");
    assert!(kills >= 8, "{kills}: users, licences, derivations and withdrawals are each a transaction");

    let server = Server::on(folder, &devnet.url()).await;
    let patient = server.again(PATIENT).await;
    for (item, state, licence) in before {
        assert_eq!(licence_of(&patient, item).await, licence);
        assert_eq!(standing(&patient, &licence).await, state, "{item}");
    }
    let after = audit(&patient).await;
    assert_eq!(after.non_conformities, Some(vec![]));
    assert!(after.earlier_chain.is_some());
    assert_eq!(server.terminate().await, Some(0));
    devnet.stop().await;
}
