//! What the house did without a recorded yes is listed, and nothing else is.

use alloy::primitives::{B128, B256};
use health_back_end::{
    db::operations::{Answer as RowAnswer, NewOperation},
    domain::{licence_event::Evidence, operation::Operation, taxonomy::Usage},
    licensing::confirm::{Answer, Question},
    schema::wire::{MessageId, NonConformityKind as Kind},
};

use super::{Scene, kinds};
use crate::environment::copy::permitted;

impl Scene {
    /// A row that says an operation was permitted there and begun `after_s` seconds from now; `change` makes it say something
    /// else.
    async fn executed(
        &self,
        asked: &Question,
        at: &Evidence,
        after_s: i64,
        change: impl FnOnce(&mut (NewOperation, RowAnswer)),
    ) {
        let id = self.copy.record(asked, at, change).await;
        self.start(id, after_s).await;
    }

    async fn withdraw(&self) {
        let signature = self.house.chain.sign_withdrawal(self.item, self.licence);
        self.gate.revoke(self.item, &signature).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_not_covered_is_found() {
    let scene = Scene::set().await;
    let (copy, gate) = (&scene.copy, &scene.gate);
    // Recorded no, and a row that says yes.
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let Answer::Denied(denial) = gate.confirm(&denied).await.unwrap() else { panic!("permitted") };
    scene.executed(&denied, &denial.evidence, 0, |_| ()).await;
    // Recorded for research, executed for care.
    let research = scene.asked();
    let at = permitted(gate, &research).await;
    scene.executed(&research, &at, 0, |row| row.0.usage = Usage::HealthCare).await;
    // A place on chain that is not the answer's.
    let moved = scene.asked();
    let at = permitted(gate, &moved).await;
    // The clerk puts the place right when it copies the event; it has done so before the row is there.
    copy.vigil.indexed_up_to(at.position.block, std::time::Duration::from_secs(30)).await.unwrap();
    scene.executed(&moved, &at, 0, |row| row.1.evidence.block_hash = B256::repeat_byte(9)).await;
    // Never asked.
    scene.executed(&scene.asked(), &at, 0, |_| ()).await;
    // Said to be permitted, never asked, not executed.
    copy.record(&scene.asked(), &at, |_| ()).await;
    // A confirm ID taken away from an executed row.
    scene.executed(&scene.asked(), &at, 0, |row| row.0.confirm_id = None).await;
    // Long after the licence has ended.
    let late = scene.asked();
    let at = permitted(gate, &late).await;
    scene.executed(&late, &at, 7_200, |_| ()).await;
    // Before it was permitted.
    let early = scene.asked();
    let at = permitted(gate, &early).await;
    scene.executed(&early, &at, -600, |_| ()).await;
    // After the withdrawal; what was executed before it is in order.
    scene.process().await;
    let withdrawn = scene.asked();
    let at = permitted(gate, &withdrawn).await;
    let id = copy.record(&withdrawn, &at, |_| ()).await;
    scene.withdraw().await;
    scene.start(id, 5).await;

    let response = scene.audit().await;
    let found = |question: &Question| -> Vec<Kind> {
        let of = |id: &MessageId| id.into_bytes() == question.confirm_id;
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
    scene.executed(&asked, &at, 5, |_| ()).await;
    scene.withdraw().await;
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
    scene.withdraw().await;
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
