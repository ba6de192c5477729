//! What a restored chain, and an audit on it, tell of the time before the reset.

use std::path::Path;

use alloy::{
    network::EthereumWallet,
    primitives::{B128, Bytes},
    providers::ProviderBuilder,
};
use health_back_end::{
    chain::{
        bindings::LicenceRegistry,
        node::{connect, witness},
    },
    db::{
        Database,
        operations::{NewOperation, OperationKind},
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
    },
    schema::wire::{AuditResponse, NonConformityKind, ProcessingStatus},
    verify::{Finding, Verification, verify},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{
    acts::audit,
    paper::{PARAMETERS, process, reasons, request, withdraw},
    reset::{Used, begun, restore, used, wipe},
    server::Server,
};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, send},
    key,
    premises::{self, Premises},
};

/// The End User withdraws without the Back End, by a transaction of their own and without a signature to repeat.
async fn withdraw_directly(server: &Server, item: AihDataId) {
    let provider = connect(&server.rpc_url).await.unwrap();
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(key(PATIENT))).connect_provider(provider);
    let registry = LicenceRegistry::new(server.back_end.address(), provider);
    let sent = registry.revoke(item.hash(), Bytes::new()).send().await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
}

/// What the chain says against an audit, and how many things it can say nothing about.
async fn verified(server: &Server, response: &AuditResponse, end_user: UserId) -> (Vec<Finding>, usize) {
    let node = witness(&server.rpc_url, server.back_end).await.unwrap();
    let asked =
        Verification { end_user, period: None, operations: None, response: Some(response.clone()), first_block: 0 };
    let report = verify(&node, &asked).await.unwrap();
    (report.findings.clone(), report.earlier)
}

#[tokio::test]
async fn a_withdrawal_sent_to_the_chain_directly_is_not_undone_by_a_restoration() {
    let premises = Premises::new().await;
    let folder = premises.path();
    let (server, patient, institute) = begun(folder).await;
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
    let (server, patient, institute) = begun(folder).await;
    let kept = used(&server, &patient, &institute).await;
    let never = request(&institute, kept.parcel.id, PARAMETERS, "Health Care");
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
    refused.expect(403).problem("licence-denied");
    assert_eq!(reasons(&refused), ["NoLicence", "UserInactive"]);
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
async fn invent(folder: &Path, used: &Used, patient: &Client, institute: &Client) -> Uuid {
    let cellar = Database::connect(&premises::database_url(folder), 1).await.unwrap();
    let rows = cellar.list_operations_on_item(used.parcel.id, None, 100).await.unwrap().rows;
    let real = rows.iter().find(|row| row.requester == institute.user && row.started_at_us.is_some()).unwrap();
    let id = Uuid::new_v4();
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
        confirm_id: Some(B128::from(id.into_bytes())),
        created_at_us: real.created_at_us + 1,
    };
    let _ = cellar.insert_operation(&new).await.unwrap();
    let now = real.finished_at_us.unwrap();
    cellar.answer_operation(id, &real.answer.unwrap(), now).await.unwrap().required().unwrap();
    cellar.start_operation(id, now, real.answer.unwrap().evidence.block_number).await.unwrap().required().unwrap();
    cellar.finish_operation(id, None, now).await.unwrap().required().unwrap();
    cellar.close().await;
    id
}
