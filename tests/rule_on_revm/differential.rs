//! The comparison itself.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy::{
    primitives::{Address, B256, FixedBytes, aliases::U40},
    sol_types::SolEvent,
};
use health_back_end::{
    chain::bindings::{LicenceRegistry, Request as Asked, licence::Licence},
    domain::{
        operation::Operation,
        rule::{Request, Requester, Standing, judge},
        taxonomy::{DataStatus, Usage, Word},
        terms::LicenceTerms,
        verdict::Verdict,
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    generate::{self, Case},
    mirror::World,
    mutants::View,
    registry::OPERATOR,
    tally::Tally,
};

/// How much is compared. Each shard has a registry and licences of its own.
struct Size {
    shards: u64,
    roots: usize,
    pairs: u64,
}

const DAILY: Size = Size { shards: 10, roots: 60, pairs: 10_000 };
const DEEP: Size = Size { shards: 200, roots: 100, pairs: 50_000 };

/// Pairs between two that are also asked of the licence contract, or tried on the mistaken rules.
const EVERY: u64 = 8;
const BATCH: usize = 40;

#[test]
fn contract_and_program_judge_alike() {
    let size = if std::env::var_os("HBE_DEEP").is_some_and(|deep| deep == "1") { DEEP } else { DAILY };
    let seed: u64 =
        std::env::var("HBE_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().expect("HBE_SEED is a number"));
    println!("seed {seed}; HBE_SEED={seed} repeats this run");
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let shard = next.fetch_add(1, Ordering::Relaxed);
                    if shard >= size.shards {
                        break;
                    }
                    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(shard));
                    match catch_unwind(AssertUnwindSafe(|| compare_shard(&mut rng, &size))) {
                        Ok(tally) => sum.lock().unwrap().add(&tally),
                        Err(difference) => {
                            // One is enough: nobody begins another shard.
                            next.store(size.shards, Ordering::Relaxed);
                            resume_unwind(difference);
                        }
                    }
                }
            });
        }
    });
    let tally = sum.into_inner().unwrap();
    tally.print();
    assert_eq!(tally.pairs, size.shards * size.pairs);
    tally.assert_complete();
}

fn compare_shard(rng: &mut StdRng, size: &Size) -> Tally {
    let mut world = generate::world(rng, size.roots);
    let mut tally = Tally::default();
    for n in 0..size.pairs {
        let case = generate::case(rng, &world);
        let expected = expected(&world, &case);
        let found = check(&mut world, &case);
        if found != expected.bits() {
            panic!("{}", describe(&mut world, &case, expected, found));
        }
        tally.count(expected);
        note(&mut tally, &world, &case);
        if n % EVERY == 0 {
            ask_the_licence(&mut world, &case, &mut tally);
            if let Some(view) = view(&world, &case) {
                tally.try_mutants(&view, expected);
                note_ties(&mut tally, &view);
            }
        }
    }
    for _ in 0..size.pairs / EVERY / BATCH as u64 {
        compare_recorded(rng, &mut world, &mut tally);
    }
    compare_replaced(rng, &mut world, &mut tally);
    tally
}

// ---------------------------------------------------------------- what the program says

fn expected(world: &World, case: &Case) -> Verdict {
    match view(world, case) {
        Some(view) => view.judge(),
        None => judge(None, &request(world.requester(case.user), case.at), case.now),
    }
}

fn view(world: &World, case: &Case) -> Option<View> {
    let standing = world.standing(case.item)?;
    Some(view_of(&standing, world.requester(case.user), case))
}

fn view_of(standing: &Standing<'_>, requester: Requester, case: &Case) -> View {
    let mut view = View::new(standing, request(requester, case.at), case.now);
    view.ask(case.operation, case.usage);
    view
}

fn request(requester: Requester, at: u64) -> Request {
    Request { requester, operation: Operation::Store, usage: Usage::Research, at }
}

// ---------------------------------------------------------------- what the contract says

fn asked(world: &World, case: &Case) -> Asked {
    Asked {
        aihData: world.items[case.item].hash,
        user: case.user,
        operation: case.operation,
        usage: case.usage,
        at: U40::from(case.at),
        confirmId: FixedBytes::default(),
    }
}

fn check(world: &mut World, case: &Case) -> u16 {
    let request = asked(world, case);
    let call = LicenceRegistry::checkCall { request };
    world.registry.ask(Address::ZERO, &call, case.now).expect("check never reverts").0
}

fn check_licence(world: &mut World, licence: Address, case: &Case) -> u16 {
    let call =
        Licence::checkCall { user: case.user, operation: case.operation, usage: case.usage, at: U40::from(case.at) };
    world.registry.ask_licence(licence, &call, case.now)
}

/// The licence's own answer equals the registry's.
fn ask_the_licence(world: &mut World, case: &Case, tally: &mut Tally) {
    let Some(licence) = world.items[case.item].licence.as_ref().map(|licence| licence.address) else { return };
    let (expected, found) = (expected(world, case), check_licence(world, licence, case));
    if found != expected.bits() {
        panic!("asked of the licence itself: {}", describe(world, case, expected, found));
    }
    tally.asked_of_licences += 1;
}

/// A licence that another took the place of is a revoked one.
fn compare_replaced(rng: &mut StdRng, world: &mut World, tally: &mut Tally) {
    for (licence, terms, status) in world.replaced.clone() {
        for _ in 0..10 {
            let case = generate::case(rng, world);
            let standing = Standing { terms: &terms, status, revoked: true, renounced: false };
            let expected = view_of(&standing, world.requester(case.user), &case).judge();
            let found = check_licence(world, licence, &case);
            assert_eq!(found, expected.bits(), "a replaced licence: {standing:?} {case:?}");
            tally.meet("a licence that was replaced");
        }
    }
}

/// A batch, as `confirm` records it: the same time for all, often the same licence or requester twice in a row.
fn compare_recorded(rng: &mut StdRng, world: &mut World, tally: &mut Tally) {
    let mut cases: Vec<Case> = Vec::with_capacity(BATCH);
    for _ in 0..BATCH {
        let mut case = generate::case(rng, world);
        if let Some(last) = cases.last() {
            case.now = last.now;
            case.item = if rng.random_bool(0.4) { last.item } else { case.item };
            case.user = if rng.random_bool(0.4) { last.user } else { case.user };
        }
        cases.push(case);
    }
    let requests = cases
        .iter()
        .enumerate()
        .map(|(n, case)| Asked { confirmId: FixedBytes((n as u128).to_be_bytes()), ..asked(world, case) });
    let call = LicenceRegistry::confirmCall { requests: requests.collect() };
    let (_, logs) = world.registry.ask(OPERATOR, &call, cases[0].now).expect("confirm never reverts");
    assert_eq!(logs.len(), cases.len());
    for (n, (case, log)) in cases.iter().zip(&logs).enumerate() {
        let event = LicenceRegistry::LicenceConfirmed::decode_log(log).unwrap().data;
        let licence = world.items[case.item].licence.as_ref().map_or(Address::ZERO, |licence| licence.address);
        let asked = (event.aihData, event.licence, event.user, event.operation, event.usage, event.at.to::<u64>());
        let item = world.items[case.item].hash;
        assert_eq!(asked, (item, licence, case.user, case.operation, case.usage, case.at));
        assert_eq!(event.confirmId.0, (n as u128).to_be_bytes());
        let expected = expected(world, case);
        if event.verdict != expected.bits() {
            panic!("as number {n} of a batch: {}", describe(world, case, expected, event.verdict));
        }
    }
    tally.recorded += cases.len() as u64;
}

// ---------------------------------------------------------------- what was met

fn note(tally: &mut Tally, world: &World, case: &Case) {
    tally.place(case, world.requester(case.user), world.standing(case.item).as_ref());
    if case.user == Address::ZERO {
        tally.meet("the zero address");
    }
    if Operation::from_code(case.operation).is_none() {
        tally.meet("an unknown operation");
    }
    if Usage::from_code(case.usage).is_none() {
        tally.meet("an unknown usage");
    }
}

/// Two grants that fail equally often in other ways, and none that fails less: only their order decides.
fn note_ties(tally: &mut Tally, view: &View) {
    let alone =
        |grant| View { terms: LicenceTerms { grants: vec![grant], ..view.terms.clone() }, ..view.clone() }.judge();
    let verdicts: Vec<Verdict> = view.terms.grants.iter().cloned().map(alone).collect();
    let fewest = verdicts.iter().map(|verdict| verdict.count()).min();
    let best: Vec<&Verdict> = verdicts.iter().filter(|verdict| Some(verdict.count()) == fewest).collect();
    if best.windows(2).any(|pair| pair[0] != pair[1]) {
        tally.meet("a tie of grants that fail otherwise");
    }
}

// ---------------------------------------------------------------- a difference, as small as it gets

fn describe(world: &mut World, case: &Case, expected: Verdict, found: u16) -> String {
    let Some(standing) = world.standing(case.item) else {
        return format!("no licence: contract {:?}, program {expected:?}, {case:?}", Verdict::from_bits(found));
    };
    let mut small = View::new(&standing, request(world.requester(case.user), case.at), case.now);
    let mut verdicts = (found, expected);
    // Grants one by one, as long as the difference stays.
    let mut n = 0;
    while n < small.terms.grants.len() {
        let mut smaller = small.clone();
        smaller.terms.grants.remove(n);
        match again(world, &smaller, case) {
            (found, expected) if found != expected.bits() => (small, verdicts) = (smaller, (found, expected)),
            _ => n += 1,
        }
    }
    format!(
        "contract {:?}, program {:?}\nitem {}, revoked {}, renounced {}\n{:#?}\nasked by {:?}\n{case:?}",
        Verdict::from_bits(verdicts.0),
        verdicts.1,
        small.status,
        small.revoked,
        small.renounced,
        small.terms,
        small.request.requester,
    )
}

/// The same question about a new item licensed under these terms.
fn again(world: &mut World, view: &View, case: &Case) -> (u16, Verdict) {
    let mut item = world.add_item(B256::from(rand::random::<[u8; 32]>()));
    world.license(item, LicenceTerms { aih_data: world.items[item].hash, ..view.terms.clone() });
    if view.status != DataStatus::Identified {
        let derived = world.add_item(B256::from(rand::random::<[u8; 32]>()));
        world.derive(item, derived, view.status);
        item = derived;
    }
    if view.renounced {
        world.renounce(item);
    }
    if view.revoked {
        world.revoke(item, false);
    }
    let case = Case { item, ..*case };
    (check(world, &case), expected(world, &case))
}
