//! Models, rounds and answers.

use alloy::primitives::{B256, Bytes};
use health_back_end::{
    db::{
        DbError, Unique,
        federated_answers::{AnswerEnd, AnswerRow, AnswerState, RefusalRow},
        federated_rounds::{RoundEnd, RoundRow, RoundState},
        models::{EvaluationSetRow, ModelRow, StoredFormat},
        notices::{Audience, Call, NewNotice},
    },
    domain::{ids::LicenceId, operation::Operation, taxonomy::Usage},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Place, item, user};

on_both!(
    models_come_back_and_their_versions_are_unique,
    a_lineage_has_one_round_at_a_time,
    answers_are_taken_while_the_round_takes_them,
    of_many_answers_at_once_no_more_are_taken_than_the_round_takes,
    a_round_ends_whole_and_once,
    a_round_with_scores_ends_on_the_connection_on_which_one_without_did,
    who_is_in_a_service_hears_its_calls_among_their_own_notices,
);

fn model(n: u128, version: u32) -> ModelRow {
    ModelRow {
        id: Uuid::from_u128(n),
        name: "beats".into(),
        version,
        format: StoredFormat::Safetensors,
        digest: B256::repeat_byte(n as u8),
        length: 1 << 40,
        layout: json!({"Tensors": []}),
        parameter_count: 7,
        lineage: Uuid::from_u128(1),
        parent: (n > 1).then(|| Uuid::from_u128(n - 1)),
        round: None,
        round_number: None,
        sample_count: Some(5),
        licences: vec![LicenceId::new(31_337, alloy::primitives::Address::repeat_byte(4))],
        signer: user(9),
        signature: Bytes::from(vec![1, 2, 3]),
        created_at_us: 1_000 + i64::from(version),
    }
}

fn round(n: u128, number: u32) -> RoundRow {
    RoundRow {
        id: Uuid::from_u128(100 + n),
        lineage: Uuid::from_u128(1),
        number,
        base_model: Uuid::from_u128(1),
        front_end: None,
        least: 1,
        most: 2,
        deadline_s: 5_000,
        aggregation: "Median".into(),
        usage: Usage::Research,
        parameters: json!({"Epochs": 1}),
        state: RoundState::Open,
        rho: 0.0,
        result_model: None,
        score_before: None,
        score_after: None,
        reason: None,
        opened_by: user(9),
        created_at_us: 10,
        updated_at_us: 10,
    }
}

fn call() -> Call {
    let audience = Audience::Service(Operation::FederatedLearning);
    Call { audience, kind: "federated-learn.opened".into(), data: json!({}), created_at_us: 10 }
}

fn answer(round: Uuid, from: u8, digest: u8) -> AnswerRow {
    AnswerRow {
        round,
        front_end: user(from),
        digest: B256::repeat_byte(digest),
        layout: json!({}),
        samples: 3,
        items: vec![item(1), item(2)],
        metrics: Value::Null,
        signature: Bytes::from(vec![9]),
        state: AnswerState::Received,
        reason: None,
        received_at_us: 20,
    }
}

async fn models_come_back_and_their_versions_are_unique(db: &Place) {
    for (n, version) in [(1, 1), (2, 2), (3, 3)] {
        db.insert_model(&model(n, version)).await.unwrap();
    }
    assert_eq!(db.find_model(Uuid::from_u128(2)).await.unwrap(), Some(model(2, 2)));
    assert_eq!(db.find_model(Uuid::from_u128(9)).await.unwrap(), None);
    let newest = db.find_newest_model(Uuid::from_u128(1), StoredFormat::Safetensors).await.unwrap();
    assert_eq!(newest.unwrap().version, 3);
    let page = db.list_models(None, 2).await.unwrap();
    assert_eq!(page.rows.iter().map(|m| m.version).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(db.list_models(page.next.as_ref(), 2).await.unwrap().rows, [model(1, 1)]);
    let taken = |outcome| matches!(outcome, Err(DbError::Taken(Unique::ModelVersion)));
    assert!(taken(db.insert_model(&model(4, 3)).await));
    assert!(matches!(db.insert_model(&model(3, 4)).await, Err(DbError::Taken(Unique::Model))));
    let set = EvaluationSetRow {
        lineage: Uuid::from_u128(1),
        digest: B256::repeat_byte(77),
        length: 9,
        examples: 4,
        created_at_us: 1,
    };
    db.insert_evaluation_set(&set).await.unwrap();
    assert_eq!(db.find_evaluation_set(set.lineage).await.unwrap(), Some(set.clone()));
    assert!(matches!(db.insert_evaluation_set(&set).await, Err(DbError::Taken(Unique::EvaluationSet))));
    let orphan = EvaluationSetRow { lineage: Uuid::from_u128(9), ..set.clone() };
    assert!(matches!(db.insert_evaluation_set(&orphan).await, Err(DbError::Unrelated(_))));
    assert!(
        db.is_model_file_in_use(set.digest).await.unwrap()
            && db.is_model_file_in_use(B256::repeat_byte(2)).await.unwrap()
    );
    assert!(!db.is_model_file_in_use(B256::repeat_byte(99)).await.unwrap());
}

async fn a_lineage_has_one_round_at_a_time(db: &Place) {
    db.insert_model(&model(1, 1)).await.unwrap();
    db.insert_round(&round(1, 1), &call()).await.unwrap();
    assert_eq!(db.find_round(Uuid::from_u128(101)).await.unwrap(), Some(round(1, 1)));
    assert!(matches!(db.insert_round(&round(2, 2), &call()).await, Err(DbError::Taken(Unique::RoundOpen))));
    assert!(matches!(db.insert_round(&round(1, 2), &call()).await, Err(DbError::Taken(_))));
    assert_eq!(db.list_unfinished_rounds().await.unwrap(), [round(1, 1)]);
    assert!(db.begin_aggregating(Uuid::from_u128(101), 0.25, 30).await.unwrap().is_done());
    assert!(!db.begin_aggregating(Uuid::from_u128(101), 0.25, 31).await.unwrap().is_done());
    assert_eq!(db.spent_rho(Uuid::from_u128(1)).await.unwrap(), 0.25);
    assert_eq!(db.spent_rho(Uuid::from_u128(2)).await.unwrap(), 0.0);
    let end = RoundEnd {
        state: RoundState::Rejected,
        models: vec![],
        scores: None,
        reason: Some("too few".into()),
        answers: vec![],
        notices: vec![],
    };
    // Whoever still thinks it collects does not end what somebody else has begun.
    assert!(!db.end_round(Uuid::from_u128(101), false, &end, 40).await.unwrap().is_done());
    assert_eq!(db.find_round(Uuid::from_u128(101)).await.unwrap().unwrap().state, RoundState::Aggregating);
    assert!(db.end_round(Uuid::from_u128(101), true, &end, 40).await.unwrap().is_done());
    db.insert_round(&round(2, 2), &call()).await.unwrap();
    let numbers: Vec<u32> =
        db.list_rounds_of_lineage(Uuid::from_u128(1), 9).await.unwrap().iter().map(|r| r.number).collect();
    assert_eq!(numbers, [2, 1]);
    assert!(matches!(
        db.insert_round(
            &RoundRow { base_model: Uuid::from_u128(50), lineage: Uuid::from_u128(50), ..round(3, 1) },
            &call()
        )
        .await,
        Err(DbError::Unrelated(_))
    ));
}

async fn answers_are_taken_while_the_round_takes_them(db: &Place) {
    db.insert_model(&model(1, 1)).await.unwrap();
    let id = Uuid::from_u128(101);
    assert!(!db.insert_answer(&answer(id, 1, 11)).await.unwrap());
    db.insert_round(&round(1, 1), &call()).await.unwrap();
    assert!(db.insert_answer(&answer(id, 1, 11)).await.unwrap());
    db.begin_collecting(id, 25).await.unwrap();
    assert!(matches!(db.insert_answer(&answer(id, 1, 12)).await, Err(DbError::Taken(Unique::FederatedAnswer))));
    assert!(matches!(db.insert_answer(&answer(id, 2, 11)).await, Err(DbError::Taken(Unique::FederatedModel))));
    assert!(db.insert_answer(&answer(id, 2, 12)).await.unwrap());
    assert!(!db.insert_answer(&answer(id, 3, 13)).await.unwrap(), "the round takes two");
    assert_eq!(db.list_answers(id).await.unwrap().len(), 2);
    assert_eq!(db.list_answers(id).await.unwrap()[0], answer(id, 1, 11));
    assert_eq!(db.count_answers(id).await.unwrap(), 2);
    assert!(db.is_model_file_in_use(B256::repeat_byte(12)).await.unwrap());
    let refusal =
        RefusalRow { id: Uuid::from_u128(7), round: id, front_end: user(3), reason: "late".into(), refused_at_us: 5 };
    db.insert_refusal(&refusal, 1).await.unwrap();
    db.insert_refusal(&RefusalRow { id: Uuid::from_u128(8), ..refusal.clone() }, 1).await.unwrap();
    assert_eq!(db.list_refusals(id, 10).await.unwrap(), [refusal]);
}

/// On a server with several writers a guard that only looks is none: all of them look before one has written.
async fn of_many_answers_at_once_no_more_are_taken_than_the_round_takes(db: &Place) {
    db.insert_model(&model(1, 1)).await.unwrap();
    let id = Uuid::from_u128(101);
    db.insert_round(&round(1, 1), &call()).await.unwrap();
    let other = db.other_instance().await;
    let sending = (1..=8_u8).map(|n| {
        let db = if n % 2 == 0 { db.handle() } else { other.clone() };
        tokio::spawn(async move { db.insert_answer(&answer(id, n, n + 10)).await.unwrap() })
    });
    let taken = futures_util::future::join_all(sending).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 2, "the round takes two");
    assert_eq!(db.count_answers(id).await.unwrap(), 2);
}

async fn a_round_ends_whole_and_once(db: &Place) {
    db.insert_model(&model(1, 1)).await.unwrap();
    let id = Uuid::from_u128(101);
    db.insert_round(&round(1, 1), &call()).await.unwrap();
    for (from, digest) in [(1, 11), (2, 12)] {
        assert!(db.insert_answer(&answer(id, from, digest)).await.unwrap());
    }
    let notice = NewNotice { user: user(1), kind: "federated-learn.ended".into(), data: json!({}), created_at_us: 50 };
    let end = |front_end: u8, left_out: Option<&str>| AnswerEnd {
        front_end: user(front_end),
        left_out: left_out.map(str::to_owned),
    };
    let whole = RoundEnd {
        state: RoundState::Promoted,
        models: vec![model(2, 2)],
        scores: Some((0.5, 0.75)),
        reason: None,
        answers: vec![end(1, None), end(2, Some("too long"))],
        notices: vec![notice],
    };
    assert!(!db.end_round(id, true, &whole, 60).await.unwrap().is_done(), "nobody has begun to aggregate");
    assert!(db.begin_aggregating(id, 0.0, 55).await.unwrap().is_done());
    // An answer that is not there: nothing of the end happens.
    let broken = RoundEnd { answers: vec![end(9, None)], ..whole.clone() };
    assert!(db.end_round(id, true, &broken, 60).await.is_err());
    assert_eq!(db.find_model(Uuid::from_u128(2)).await.unwrap(), None);
    assert!(db.end_round(id, true, &whole, 60).await.unwrap().is_done());
    let row = db.find_round(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.result_model), (RoundState::Promoted, Some(Uuid::from_u128(2))));
    assert_eq!((row.score_before, row.score_after), (Some(0.5), Some(0.75)));
    let states: Vec<_> = db.list_answers(id).await.unwrap().into_iter().map(|a| (a.state, a.reason)).collect();
    assert_eq!(states.iter().filter(|s| **s == (AnswerState::LeftOut, Some("too long".to_owned()))).count(), 1);
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap().len(), 1);
    assert!(!db.is_model_file_in_use(B256::repeat_byte(11)).await.unwrap());
    let again = RoundEnd { models: vec![], ..whole };
    assert!(
        !db.end_round(id, true, &RoundEnd { state: RoundState::Rejected, reason: Some("x".into()), ..again }, 70)
            .await
            .unwrap()
            .is_done()
    );
}

async fn a_round_with_scores_ends_on_the_connection_on_which_one_without_did(db: &Place) {
    db.insert_model(&model(1, 1)).await.unwrap();
    // So often that every connection of the pool has had both.
    for n in 1..=30 {
        let scores = (n > 10 && n % 3 == 0).then_some((0.5, 0.75));
        db.insert_round(&round(n, u32::try_from(n).unwrap()), &call()).await.unwrap();
        let end = RoundEnd {
            state: RoundState::Rejected,
            models: vec![],
            scores,
            reason: Some("of a test".into()),
            answers: vec![],
            notices: vec![],
        };
        let id = Uuid::from_u128(100 + n);
        assert!(db.end_round(id, false, &end, 40).await.unwrap().is_done());
        let row = db.find_round(id).await.unwrap().unwrap();
        assert_eq!((row.score_before, row.score_after), (scores.map(|s| s.0), scores.map(|s| s.1)));
    }
}

async fn who_is_in_a_service_hears_its_calls_among_their_own_notices(db: &Place) {
    const SERVICE: Operation = Operation::FederatedLearning;
    db.insert_model(&model(1, 1)).await.unwrap();
    let tell = |n| NewNotice { user: user(n), kind: "own".into(), data: json!({}), created_at_us: 1 };
    db.insert_notices(&[tell(1), tell(2)]).await.unwrap();
    db.insert_round(&round(1, 1), &call()).await.unwrap();
    // A round that is not opened calls nobody.
    assert!(db.insert_round(&round(2, 2), &call()).await.is_err());
    db.insert_notices(&[tell(1)]).await.unwrap();
    let kinds = |rows: Vec<health_back_end::db::notices::NoticeRow>| {
        rows.into_iter().map(|row| (row.seq, row.user, row.kind)).collect::<Vec<_>>()
    };
    let heard = kinds(db.list_notices_and_calls(user(1), SERVICE, 0, 9).await.unwrap());
    let of = |seq, kind: &str| (seq, user(1), kind.to_owned());
    assert_eq!(heard, [of(1, "own"), of(3, "federated-learn.opened"), of(4, "own")]);
    assert_eq!(kinds(db.list_notices_and_calls(user(1), SERVICE, 1, 1).await.unwrap()), heard[1..2]);
    assert_eq!(kinds(db.list_notices(user(1), 0, 9).await.unwrap()), [of(1, "own"), of(4, "own")]);
    assert_eq!(db.list_notices_and_calls(user(2), Operation::Store, 0, 9).await.unwrap().len(), 1);
}
