//! Operations: asked, answered, executed, ended; and what a restart and an audit find.

use health_back_end::{
    db::{
        DbError, Transition, Unique,
        operation_acts::{Done, NewAct, act_id},
        operation_steps::Failure,
        operations::{Answer, OperationState, Requested},
        revocations::RevocationScope,
    },
    domain::{
        taxonomy::UserClass,
        verdict::{FailingTerm, Verdict},
    },
};

use crate::fixture::{Place, answer, confirm_id, item, licence, new_operation, operation_id, stored_item, user};

on_both!(
    an_operation_runs_its_course,
    a_message_is_one_operation,
    ids_are_not_used_twice,
    a_no_ends_it,
    nothing_runs_without_a_yes,
    an_ended_operation_stays_ended,
    a_result_may_be_withheld,
    acts_are_written_once,
    only_an_erasure_may_rest_on_nothing,
    progress_never_goes_back,
    the_first_start_is_kept,
    what_is_claimed_cannot_end_well,
    of_two_instances_one_takes_an_operation_over,
    a_restart_finds_the_unfinished,
    lists_are_newest_first,
    an_audit_finds_what_was_executed,
    holders_are_read_page_by_page,
);

fn failure() -> Failure {
    Failure { kind: "chain-unavailable".into(), text: "no answer in time".into() }
}

async fn confirmed(db: &Place, n: u8) -> uuid::Uuid {
    db.insert_operation(&new_operation(n, 1, 2, 1)).await.unwrap();
    let id = operation_id(n.into());
    db.answer_operation(id, &answer(Verdict::PERMITTED), 30).await.unwrap().required().unwrap();
    id
}

async fn state(db: &Place, id: uuid::Uuid) -> OperationState {
    db.find_operation(id).await.unwrap().unwrap().state
}

async fn an_operation_runs_its_course(db: &Place) {
    let new = new_operation(1, 1, 2, 1);
    assert_eq!(db.insert_operation(&new).await.unwrap(), Requested::New);
    let row = db.find_operation(new.id).await.unwrap().unwrap();
    assert_eq!((row.kind, row.requester, row.user_class, row.owner), (new.kind, user(2), new.user_class, new.owner));
    assert_eq!((row.operation, row.usage, row.intended_at_s), (new.operation, new.usage, new.intended_at_s));
    assert_eq!((row.parameters, row.confirm_id, row.message_id), (new.parameters, new.confirm_id, new.message_id));
    assert_eq!((row.state, row.tx_hash, row.answer, row.progress), (OperationState::Requested, None, None, 0.0));

    db.answer_operation(new.id, &answer(Verdict::PERMITTED), 30).await.unwrap().required().unwrap();
    db.start_operation(new.id, 40, 9).await.unwrap().required().unwrap();
    db.progress_operation(new.id, 0.5, 45).await.unwrap().required().unwrap();
    db.finish_operation(new.id, Some(item(7)), 50).await.unwrap().required().unwrap();
    let row = db.find_operation_by_confirm_id(confirm_id(1)).await.unwrap().unwrap();
    assert_eq!((row.state, row.answer), (OperationState::Done, Some(answer(Verdict::PERMITTED))));
    assert_eq!((row.progress, row.result_id), (1.0, Some(item(7))));
    assert_eq!((row.started_at_us, row.finished_at_us, row.updated_at_us), (Some(40), Some(50), 50));
    assert_eq!(row.started_block, Some(9));
}

async fn a_message_is_one_operation(db: &Place) {
    db.insert_operation(&new_operation(1, 1, 2, 1)).await.unwrap();
    let mut again = new_operation(2, 5, 2, 1);
    again.message_id = new_operation(1, 1, 2, 1).message_id;
    let Requested::Existing(row) = db.insert_operation(&again).await.unwrap() else { panic!("a second operation") };
    assert_eq!((row.id, row.aih_data_id), (operation_id(1), item(1)));
    // Another requester's message of the same ID is another message.
    again.requester = user(3);
    assert_eq!(db.insert_operation(&again).await.unwrap(), Requested::New);
    // No message, no identity.
    for n in [5, 6] {
        let mut unnamed = new_operation(n, 1, 2, 1);
        unnamed.message_id = None;
        assert_eq!(db.insert_operation(&unnamed).await.unwrap(), Requested::New);
    }
    assert_eq!(db.find_operation_by_message(user(9), "message 1").await.unwrap(), None);
}

async fn ids_are_not_used_twice(db: &Place) {
    db.insert_operation(&new_operation(1, 1, 2, 1)).await.unwrap();
    let mut same_id = new_operation(2, 1, 2, 1);
    same_id.id = operation_id(1);
    assert!(matches!(db.insert_operation(&same_id).await, Err(DbError::Taken(Unique::Operation))));
    let mut same_confirm = new_operation(2, 1, 2, 1);
    same_confirm.confirm_id = Some(confirm_id(1));
    assert!(matches!(db.insert_operation(&same_confirm).await, Err(DbError::Taken(Unique::ConfirmId))));
}

async fn a_no_ends_it(db: &Place) {
    db.insert_operation(&new_operation(1, 1, 2, 1)).await.unwrap();
    let id = operation_id(1);
    let verdict: Verdict = [FailingTerm::Expired, FailingTerm::UserInactive].into_iter().collect();
    let mut no = answer(verdict);
    no.licence = None;
    db.answer_operation(id, &no, 30).await.unwrap().required().unwrap();
    let row = db.find_operation(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.answer, row.finished_at_us), (OperationState::Denied, Some(no), Some(30)));
    let yes = db.answer_operation(id, &answer(Verdict::PERMITTED), 31).await.unwrap();
    assert_eq!(yes, Transition::Refused(OperationState::Denied));
    assert_eq!(db.start_operation(id, 32, 9).await.unwrap(), Transition::Refused(OperationState::Denied));
}

async fn nothing_runs_without_a_yes(db: &Place) {
    let id = operation_id(1);
    assert_eq!(db.start_operation(id, 1, 9).await.unwrap(), Transition::Absent);
    db.insert_operation(&new_operation(1, 1, 2, 1)).await.unwrap();
    assert_eq!(db.start_operation(id, 1, 9).await.unwrap(), Transition::Refused(OperationState::Requested));
    assert_eq!(db.finish_operation(id, None, 1).await.unwrap(), Transition::Refused(OperationState::Requested));
    assert_eq!(db.progress_operation(id, 0.1, 1).await.unwrap(), Transition::Refused(OperationState::Requested));
    let confirmed = confirmed(db, 2).await;
    let early = db.finish_operation(confirmed, None, 1).await.unwrap();
    assert_eq!(early, Transition::Refused(OperationState::Confirmed));
}

async fn an_ended_operation_stays_ended(db: &Place) {
    let failed = confirmed(db, 1).await;
    db.fail_operation(failed, &failure(), 40).await.unwrap().required().unwrap();
    let row = db.find_operation(failed).await.unwrap().unwrap();
    assert_eq!((row.error_kind.as_deref(), row.finished_at_us), (Some("chain-unavailable"), Some(40)));
    let undone = confirmed(db, 2).await;
    db.start_operation(undone, 40, 9).await.unwrap().required().unwrap();
    db.undo_operation(undone, &failure(), 41).await.unwrap().required().unwrap();
    let ends = [(failed, OperationState::Failed), (undone, OperationState::Undone)];
    for (id, end) in ends {
        assert_eq!(db.start_operation(id, 50, 9).await.unwrap(), Transition::Refused(end));
        assert_eq!(db.finish_operation(id, None, 50).await.unwrap(), Transition::Refused(end));
        assert_eq!(db.fail_operation(id, &failure(), 50).await.unwrap(), Transition::Refused(end));
        assert_eq!(db.undo_operation(id, &failure(), 50).await.unwrap(), Transition::Refused(end));
        assert_eq!(db.withhold_operation(id, &failure(), 50).await.unwrap(), Transition::Refused(end));
    }
}

async fn what_is_claimed_cannot_end_well(db: &Place) {
    let id = confirmed(db, 1).await;
    db.start_operation(id, 40, 9).await.unwrap().required().unwrap();
    db.progress_operation(id, 0.5, 41).await.unwrap().required().unwrap();
    assert!(!db.claim_operation(id, 40).await.unwrap(), "it gave a sign of life since");
    assert!(db.claim_operation(id, 41).await.unwrap());
    // Whoever worked at it wakes up: nothing that it says counts any more.
    let refused = Transition::Refused(OperationState::Running);
    assert_eq!(db.progress_operation(id, 0.9, 50).await.unwrap(), refused);
    assert_eq!(db.name_result(confirm_id(1), item(7), 50).await.unwrap(), refused);
    assert_eq!(db.start_operation(id, 50, 9).await.unwrap(), refused);
    assert_eq!(db.finish_operation(id, Some(item(7)), 50).await.unwrap(), refused);
    // Should the one that claimed it die, the next finds it.
    let found = db.list_unfinished_operations(1, None, 9).await.unwrap().rows;
    assert_eq!(found.iter().map(|row| (row.id, row.updated_at_us)).collect::<Vec<_>>(), [(id, 0)]);
    assert!(db.claim_operation(id, 0).await.unwrap());
    db.undo_operation(id, &failure(), 60).await.unwrap().required().unwrap();
    assert!(!db.claim_operation(id, 60).await.unwrap(), "it ended");
}

async fn of_two_instances_one_takes_an_operation_over(db: &Place) {
    let id = confirmed(db, 1).await;
    db.start_operation(id, 40, 9).await.unwrap().required().unwrap();
    let other = db.other_instance().await;
    let (one, two) = tokio::join!(db.claim_operation(id, 40), other.claim_operation(id, 40));
    assert!(one.unwrap() != two.unwrap());
}

async fn a_result_may_be_withheld(db: &Place) {
    let id = confirmed(db, 1).await;
    assert_eq!(
        db.withhold_operation(id, &failure(), 35).await.unwrap(),
        Transition::Refused(OperationState::Confirmed)
    );
    db.start_operation(id, 40, 9).await.unwrap().required().unwrap();
    db.withhold_operation(id, &failure(), 50).await.unwrap().required().unwrap();
    assert_eq!(state(db, id).await, OperationState::Withheld);
}

fn act(done: Done) -> NewAct {
    NewAct {
        done,
        requester: user(2),
        user_class: Some(UserClass::EndUser),
        item: item(1),
        owner: user(2),
        licence: Some(licence(9)),
        evidence: Some(answer(Verdict::PERMITTED).evidence),
        at_us: 7_000_000,
    }
}

async fn acts_are_written_once(db: &Place) {
    let all = [
        Done::Store,
        Done::Derive,
        Done::ChangeLicence,
        Done::RevokeLicence(RevocationScope::Licence),
        Done::RevokeLicence(RevocationScope::BackEnd),
        Done::Erase,
    ];
    for done in all {
        assert!(db.insert_act(&act(done)).await.unwrap());
        assert!(!db.insert_act(&NewAct { at_us: 8_000_000, ..act(done) }).await.unwrap());
        let row = db.find_operation(act_id(done, item(1), Some(licence(9)))).await.unwrap().unwrap();
        assert_eq!((row.kind, row.operation, row.state), (done.kind(), done.operation(), OperationState::Done));
        assert_eq!(row.answer, Some(Answer { licence: Some(licence(9)), ..answer(Verdict::PERMITTED) }));
        assert_eq!((row.started_at_us, row.finished_at_us), (Some(7_000_000), Some(7_000_000)));
    }
    // Acts have no message and no confirmation, and are in the way of nobody's.
    assert_eq!(db.list_executions(user(2), 0, i64::MAX, None, 9).await.unwrap().rows.len(), all.len());
    assert_eq!(db.list_unfinished_operations(i64::MAX, None, 9).await.unwrap().rows, []);
}

async fn only_an_erasure_may_rest_on_nothing(db: &Place) {
    let store = NewAct { evidence: None, ..act(Done::Store) };
    assert!(matches!(db.insert_act(&store).await, Err(DbError::Rule(_))));
    assert!(db.insert_act(&NewAct { evidence: None, ..act(Done::Erase) }).await.unwrap());
    let row = db.find_operation(act_id(Done::Erase, item(1), None)).await.unwrap().unwrap();
    assert_eq!((row.state, row.answer), (OperationState::Done, None));
}

async fn progress_never_goes_back(db: &Place) {
    let id = confirmed(db, 1).await;
    db.start_operation(id, 40, 9).await.unwrap().required().unwrap();
    for (said, seen) in [(0.75, 0.75), (0.25, 0.75), (f64::NAN, 0.75), (7.0, 1.0), (-1.0, 1.0)] {
        db.progress_operation(id, said, 41).await.unwrap().required().unwrap();
        assert_eq!(db.find_operation(id).await.unwrap().unwrap().progress, seen, "{said}");
    }
}

async fn the_first_start_is_kept(db: &Place) {
    let id = confirmed(db, 1).await;
    db.start_operation(id, 40, 9).await.unwrap().required().unwrap();
    // Work goes on; the audit keeps the first start.
    db.start_operation(id, 95, 12).await.unwrap().required().unwrap();
    let row = db.find_operation(id).await.unwrap().unwrap();
    assert_eq!((row.started_at_us, row.started_block), (Some(40), Some(9)));
}

async fn a_restart_finds_the_unfinished(db: &Place) {
    for n in 1..=4 {
        db.insert_operation(&new_operation(n, 1, 2, 1)).await.unwrap();
    }
    let answered = operation_id(2);
    db.answer_operation(answered, &answer(Verdict::PERMITTED), 30_000).await.unwrap().required().unwrap();
    db.fail_operation(operation_id(3), &failure(), 40).await.unwrap().required().unwrap();
    let first = db.list_unfinished_operations(i64::MAX, None, 2).await.unwrap();
    assert_eq!(first.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [operation_id(1), operation_id(4)]);
    let rest = db.list_unfinished_operations(i64::MAX, first.next.as_ref(), 2).await.unwrap();
    assert_eq!(rest.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [operation_id(2)]);
    assert_eq!(db.list_unfinished_operations(20_004, None, 9).await.unwrap().rows.len(), 1);
}

async fn lists_are_newest_first(db: &Place) {
    for n in 1..=5 {
        db.insert_operation(&new_operation(n, (n % 2).into(), 2 + n % 2, 1)).await.unwrap();
    }
    let first = db.list_operations_on_item(item(1), None, 2).await.unwrap();
    assert_eq!(first.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [operation_id(5), operation_id(3)]);
    let rest = db.list_operations_on_item(item(1), first.next.as_ref(), 2).await.unwrap();
    assert_eq!(rest.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [operation_id(1)]);
    let other = db.list_operations_on_item(item(0), None, 9).await.unwrap();
    assert_eq!(other.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [operation_id(4), operation_id(2)]);
}

async fn an_audit_finds_what_was_executed(db: &Place) {
    for n in 1..=5 {
        let id = confirmed(db, n).await;
        // The fifth is confirmed and never touches data.
        if n < 5 {
            db.start_operation(id, 100 * i64::from(n), 9).await.unwrap().required().unwrap();
        }
    }
    let ids = |rows: &[health_back_end::db::operations::OperationRow]| rows.iter().map(|r| r.id).collect::<Vec<_>>();
    let first = db.list_executions(user(1), 200, 401, None, 2).await.unwrap();
    assert_eq!(ids(&first.rows), [operation_id(2), operation_id(3)]);
    let rest = db.list_executions(user(1), 200, 401, first.next.as_ref(), 2).await.unwrap();
    assert_eq!((ids(&rest.rows), rest.next), (vec![operation_id(4)], None));
    assert_eq!(ids(&db.list_executions(user(1), 200, 400, None, 9).await.unwrap().rows).len(), 2);
    assert_eq!(db.list_executions(user(2), 0, 1_000, None, 9).await.unwrap().rows, []);
}

async fn holders_are_read_page_by_page(db: &Place) {
    stored_item(db, 1, 1).await;
    let other = stored_item(db, 2, 1).await;
    // Two items of one owner; each of five users used both, one of them twice, and the owner used their own.
    let mut n = 0;
    for used in [1, 2] {
        for requester in [2, 3, 4, 5, 6, 6, 1] {
            n += 1;
            db.insert_operation(&new_operation(n, used, requester, 1)).await.unwrap();
            let id = operation_id(n.into());
            db.answer_operation(id, &answer(Verdict::PERMITTED), 30).await.unwrap().required().unwrap();
            db.start_operation(id, 40, 9).await.unwrap().required().unwrap();
        }
    }
    let all = db.list_holders(item(1).hash()).await.unwrap();
    assert_eq!(all.iter().map(|holder| holder.user).collect::<Vec<_>>(), [2, 3, 4, 5, 6].map(user));
    assert_eq!(db.list_holders(other.hash()).await.unwrap().len(), 5);
    let mut paged = Vec::new();
    loop {
        let page = db.list_holders_behind(item(1).hash(), paged.last(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}
