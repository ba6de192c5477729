//! The gate on a real chain.

use health_back_end::{
    domain::{
        ids::AihDataId,
        operation::Operation,
        taxonomy::{DataStatus, Usage, UserClass},
        verdict::FailingTerm,
    },
    licensing::{
        Licensing, LicensingError,
        confirm::{Answer, Question, ReleaseError},
        derive::Lineage,
        permit::Purpose,
    },
};

use crate::environment::{Chain, INSTITUTE, item, key, offer};

fn question(item: AihDataId, gate: &Licensing) -> Question {
    let _ = gate;
    Question {
        item,
        requester: key(INSTITUTE).address(),
        operation: Operation::PhysiologicalParameterQuantification,
        usage: Usage::Research,
        at: health_back_end::clock::Clock::system().seconds(),
        confirm_id: rand::random(),
    }
}

#[tokio::test]
async fn a_licence_permits_what_it_covers_until_it_is_withdrawn() {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let gate = chain.licensing().await;
    let (item, offer) = {
        let i = item();
        (i, offer(i))
    };
    let issued = gate.issue(item, &offer, &chain.sign(&offer)).await.unwrap();

    let Answer::Permitted(permit) = gate.confirm(&question(item, &gate)).await.unwrap() else { panic!("denied") };
    let purpose = Purpose {
        item,
        operation: Operation::PhysiologicalParameterQuantification,
        requester: key(INSTITUTE).address(),
    };
    let warrant = permit.spend(&purpose, health_back_end::clock::Clock::system().seconds()).unwrap();
    gate.release(&warrant).await.unwrap();

    let mut beyond = question(item, &gate);
    beyond.operation = Operation::Retrieve;
    beyond.usage = Usage::PatientUse;
    let Answer::Denied(denial) = gate.confirm(&beyond).await.unwrap() else { panic!("permitted") };
    assert_eq!(denial.verdict.reasons().collect::<Vec<_>>(), [FailingTerm::Process, FailingTerm::Usage]);

    gate.revoke(item, &chain.sign_withdrawal(item, issued.licence.address())).await.unwrap();
    let Answer::Denied(denial) = gate.confirm(&question(item, &gate)).await.unwrap() else { panic!("permitted") };
    assert_eq!(denial.verdict.reasons().collect::<Vec<_>>(), [FailingTerm::Revoked]);
    assert!(matches!(gate.release(&warrant).await, Err(ReleaseError::Withheld(_))));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn issuing_again_finds_the_first_result_and_forgery_fails() {
    let chain = Chain::start().await;
    let gate = chain.licensing().await;
    let (item, offer) = {
        let i = item();
        (i, offer(i))
    };
    let mut forged = chain.sign(&offer);
    forged[10] ^= 1;
    assert!(matches!(gate.issue(item, &offer, &forged).await, Err(LicensingError::Refused(_))));
    let first = gate.issue(item, &offer, &chain.sign(&offer)).await.unwrap().licence;
    let again = gate.issue(item, &offer, &chain.sign(&offer)).await.unwrap().licence;
    assert_eq!(first, again);
    let (terms, derivation) = gate.node().terms(first.address()).await.unwrap();
    assert_eq!((terms, derivation), (offer.terms, None));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_result_gets_a_derived_licence_and_falls_with_its_root() {
    let chain = Chain::start().await;
    let gate = chain.licensing().await;
    let (parent, offer) = {
        let i = item();
        (i, offer(i))
    };
    let issued = gate.issue(parent, &offer, &chain.sign(&offer)).await.unwrap();
    let lineage = Lineage { parent, item: item(), status: DataStatus::Identified, requester: key(INSTITUTE).address() };
    let derived = gate.derive(&lineage).await.unwrap();
    let again = gate.derive(&lineage).await.unwrap();
    assert_eq!(derived.licence, again.licence);
    gate.revoke(parent, &chain.sign_withdrawal(parent, issued.licence.address())).await.unwrap();
    assert!(!gate.node().stands(derived.licence.address()).await.unwrap());
    let another = Lineage { item: item(), ..lineage };
    let refused = gate.derive(&another).await.unwrap_err().to_string();
    assert!(refused.contains("does not stand"), "{refused}");
    chain.devnet.stop().await;
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let gate = chain.licensing().await;
    let (item, offer) = {
        let i = item();
        (i, offer(i))
    };
    let _ = gate.issue(item, &offer, &chain.sign(&offer)).await.unwrap();
    let before = gate.node().head().await.unwrap().number;
    let answers = (0..200).map(|_| {
        let (gate, question) = (gate.clone(), question(item, &gate));
        async move { gate.confirm(&question).await }
    });
    for answer in futures_util::future::join_all(answers).await {
        assert!(matches!(answer.unwrap(), Answer::Permitted(_)));
    }

    let blocks = gate.node().head().await.unwrap().number - before;
    assert!(blocks < 20, "200 requests took {blocks} transactions");
    chain.devnet.stop().await;
}

#[tokio::test]
async fn nothing_is_permitted_while_the_chain_is_away() {
    let chain = Chain::start().await;
    let gate = chain.licensing().await;
    let (item, offer) = {
        let i = item();
        (i, offer(i))
    };
    let _ = gate.issue(item, &offer, &chain.sign(&offer)).await.unwrap();
    let Chain { devnet, .. } = chain;
    devnet.stop().await;
    let outcome = gate.confirm_within(&question(item, &gate), std::time::Duration::from_secs(2)).await;
    assert!(outcome.is_err(), "{outcome:?}");
}
