//! Audits and answers checked from outside, with a node and nothing else.

use std::time::Instant;

use alloy::primitives::B256;
use health_back_end::{
    chain::convert::ConfirmRequest,
    domain::{
        ids::UserId,
        operation::Operation,
        taxonomy::{Usage, UserClass},
    },
    licensing::confirm::Question,
    schema::wire::{AuditResponse, Processing, ProcessingStatus},
    verify::{Finding, Verification, verify},
};

use super::{NEIGHBOUR, Scene};
use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    copy::{Copy, question},
    key,
};

#[tokio::test]
async fn a_response_that_was_tampered_with_is_found_out() {
    let scene = Scene::set().await;
    scene.process().await;
    scene.process().await;
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let _ = scene.gate.confirm(&denied).await.unwrap();
    let honest = scene.audit().await;
    assert_eq!(scene.verified(&honest).await, []);
    let entries = |response: &mut AuditResponse, change: &dyn Fn(&mut Vec<Processing>)| {
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
