//! When the watch doubts, and when it passes.

use super::*;

#[test]
fn it_begins_in_doubt() {
    assert_eq!(Vigil::new().pass(), Err(Doubt::NotVerified));
}

#[test]
fn a_mined_transaction_proves_no_more_than_that_the_chain_answers() {
    let vigil = Vigil::new();
    vigil.note_transaction(Ok(()));
    assert_eq!(vigil.pass(), Err(Doubt::NotVerified));
    vigil.note(Err(&ChainError::WrongChain { expected: 1, found: 2 }));
    vigil.note_transaction(Ok(()));
    assert_eq!(vigil.pass(), Err(Doubt::WrongChain));
    vigil.note(Err(&ChainError::Timeout(Duration::ZERO)));
    vigil.note_transaction(Ok(()));
    assert_eq!(vigil.pass(), Err(Doubt::WrongChain), "a silence settles nothing");
    vigil.note(Ok(()));
    vigil.note(Err(&ChainError::Timeout(Duration::ZERO)));
    assert_eq!(vigil.pass(), Err(Doubt::ChainUnavailable));
    vigil.note_transaction(Ok(()));
    assert_eq!(vigil.pass(), Ok(()));
}

#[tokio::test]
async fn what_breaks_down_refuses_everything_until_a_restart() {
    let (vigil, stop) = (Vigil::new(), CancellationToken::new());
    vigil.note(Ok(()));
    stop.cancel();
    vigil.resting_on("told to end", stop, async {}).await.unwrap();
    assert_eq!(vigil.pass(), Ok(()));
    vigil.resting_on("broken", CancellationToken::new(), async { panic!("of a test") }).await.unwrap();
    vigil.note(Ok(()));
    assert_eq!(vigil.pass(), Err(Doubt::BrokenDown("broken")));
    let other = Vigil::new();
    other.note(Ok(()));
    other.resting_on("ended", CancellationToken::new(), async {}).await.unwrap();
    assert_eq!(other.pass(), Err(Doubt::BrokenDown("ended")));
}

#[test]
fn what_takes_rights_away_passes_in_every_doubt_but_whether_the_chain_is_ours() {
    let vigil = Vigil::new();
    assert_eq!(vigil.pass_if_ours(), Err(Doubt::NotVerified));
    vigil.note(Ok(()));
    vigil.report_head(1_000);
    for (error, passes) in [
        (ChainError::Timeout(Duration::ZERO), true),
        (ChainError::ClockSkew { seconds: 31 }, true),
        (ChainError::WrongChain { expected: 1, found: 2 }, false),
        (ChainError::Contradiction("of a test".to_owned()), false),
    ] {
        vigil.note(Err(&error));
        assert!(vigil.pass().is_err());
        assert_eq!(vigil.pass_if_ours().is_ok(), passes, "{error}");
    }
}

#[test]
fn a_restoration_is_a_doubt_and_so_is_not_having_heard_of_any() {
    let vigil = Vigil::new();
    vigil.note(Ok(()));
    assert_eq!(vigil.pass(), Ok(()), "where nobody else can restore, nobody has to say so");
    vigil.report_restoring(true, Instant::now());
    assert_eq!((vigil.pass(), vigil.pass_if_ours()), (Err(Doubt::Restoring), Err(Doubt::Restoring)));
    vigil.report_restoring(false, Instant::now());
    assert_eq!(vigil.pass(), Ok(()));
    vigil.report_restoring(false, Instant::now() - RESTORING_KNOWN - Duration::from_millis(1));
    assert_eq!(vigil.pass(), Err(Doubt::RestoringUnknown));
}

#[test]
fn a_node_that_is_behind_lowers_no_mark() {
    let vigil = Vigil::new();
    vigil.report_head(100);
    vigil.report_head(90);
    assert_eq!(vigil.head(), 100);
    vigil.report_shorter(95);
    assert_eq!(vigil.head(), 95);
}

#[test]
fn a_chain_is_frozen_when_ours_waits_and_no_block_comes_and_never_because_it_is_quiet() {
    let vigil = Vigil::new();
    vigil.note(Ok(()));
    vigil.report_head(10);
    let (short, long) = (FROZEN_AFTER / 2, FROZEN_AFTER);
    assert_eq!(vigil.pass(), Ok(()), "quiet");
    vigil.report_waiting(short, 10, 10);
    assert_eq!(vigil.pass(), Ok(()), "it may still come");
    vigil.report_waiting(long, 10, 11);
    assert_eq!(vigil.pass(), Ok(()), "blocks come, without ours");
    vigil.report_waiting(long, 11, 11);
    assert_eq!(vigil.pass(), Err(Doubt::Frozen(11)));
    vigil.note(Ok(()));
    vigil.note_transaction(Ok(()));
    assert_eq!(vigil.pass(), Err(Doubt::Frozen(11)), "that the node answers says nothing");
    vigil.report_head(12);
    assert_eq!(vigil.pass(), Ok(()));
    vigil.report_waiting(long, 12, 12);
    vigil.report_settled();
    assert_eq!(vigil.pass(), Ok(()), "nothing of ours waits any more");
}

#[test]
fn an_old_block_is_a_doubt_only_where_the_operator_says_so() {
    let (clock, minute) = (Clock::system(), Some(Duration::from_secs(60)));
    let now = clock.seconds();
    assert!(judge_head(now - 3_600, &clock, None).is_ok());
    assert!(judge_head(now - 30, &clock, minute).is_ok());
    assert!(judge_head(now + 5, &clock, minute).is_ok());
    let error = judge_head(now - 90, &clock, minute).unwrap_err();
    assert!(matches!(doubt_of(&error), Some(Doubt::Old(90..=95))), "{error}");
}

#[test]
fn an_index_too_far_behind_is_a_doubt() {
    let vigil = Vigil::new();
    vigil.note(Ok(()));
    vigil.report_head(100);
    vigil.report_indexed(36);
    assert_eq!(vigil.pass(), Ok(()));
    assert_eq!(vigil.pass_for_audit(100), Err(Doubt::IndexBehind(64)));
    vigil.report_head(101);
    assert_eq!(vigil.pass(), Err(Doubt::IndexBehind(65)));
}

#[test]
fn clocks_apart_are_a_doubt_and_a_refusal_is_none() {
    let clock = Clock::system();
    assert!(Vigil::judge_clock(clock.seconds(), &clock).is_ok());
    assert!(matches!(Vigil::judge_clock(clock.seconds() - 60, &clock), Err(Doubt::ClockSkew(_))));
    let vigil = Vigil::new();
    vigil.note(Ok(()));
    vigil.note(Err(&ChainError::Failed(alloy::primitives::B256::ZERO)));
    assert_eq!(vigil.pass(), Ok(()));
    vigil.note(Err(&ChainError::WrongChain { expected: 1, found: 2 }));
    assert_eq!(vigil.pass(), Err(Doubt::WrongChain));
}
