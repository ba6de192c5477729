//! Licences, histories and requests, drawn so that every term of the rule is met often, at its edges, and alone.

use alloy::primitives::{Address, B256};
use health_back_end::domain::{
    operation::{Operation, Operations},
    taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass, Word, WordSet},
    terms::{Grant, LicenceTerms, MOST_GRANTS},
    user::Registration,
    window::{LAST_SECOND, Window},
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::mirror::World;

const EPOCH: u64 = 1_900_000_000;
/// The largest time a request can carry: 40 bits.
const FAR: u64 = (1 << 40) - 1;

/// A request, in codes, as the contract gets it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub item: usize,
    pub user: Address,
    pub operation: u8,
    pub usage: u8,
    pub at: u64,
    pub now: u64,
}

// ---------------------------------------------------------------- histories

/// A world after a history of acts of every kind.
pub fn world(rng: &mut StdRng, roots: usize) -> World {
    let mut world = World::new(rng);
    for _ in 0..roots {
        let item = new_item(&mut world, rng);
        let terms = terms(rng, &world, item);
        world.license(item, terms);
    }
    for _ in 0..roots * 3 {
        act(&mut world, rng);
    }
    for _ in 0..roots / 10 + 1 {
        new_item(&mut world, rng);
    }
    world
}

fn new_item(world: &mut World, rng: &mut StdRng) -> usize {
    world.add_item(B256::from(rng.random::<[u8; 32]>()))
}

fn act(world: &mut World, rng: &mut StdRng) {
    let item = rng.random_range(0..world.items.len());
    match rng.random_range(0..20) {
        0 if !world.is_revoked(item) => world.revoke(item, rng.random()),
        1 | 2 => world.renounce(item),
        3 if world.is_root(item) => {
            let terms = changed(rng, world, item);
            world.license(item, terms);
        }
        4..12 if world.stands(item) => {
            let onto = new_item(world, rng);
            derive(world, rng, item, onto);
        }
        // What fell with its root is derived anew once the root stands again.
        12..20 => {
            let Some(root) = world.root_of(item) else { return };
            if world.stands(root) && !world.stands(item) && !world.is_revoked(item) {
                derive(world, rng, root, item);
            }
        }
        _ => {}
    }
}

fn derive(world: &mut World, rng: &mut StdRng, parent: usize, item: usize) {
    let least = |item: usize| world.standing(item).map_or(DataStatus::Identified, |standing| standing.status);
    let least = least(parent).max(least(item));
    let possible: Vec<DataStatus> = DataStatus::ALL.iter().copied().filter(|status| *status >= least).collect();
    world.derive(parent, item, pick(rng, &possible));
}

fn changed(rng: &mut StdRng, world: &World, item: usize) -> LicenceTerms {
    let before = world.standing(item).expect("a root has a licence").terms.clone();
    if rng.random_bool(0.2) {
        return before;
    }
    LicenceTerms { end_user: before.end_user, ..terms(rng, world, item) }
}

// ---------------------------------------------------------------- terms

fn terms(rng: &mut StdRng, world: &World, item: usize) -> LicenceTerms {
    let window = window(rng);
    let data_class = pick(rng, DataClass::ALL);
    let operations = if rng.random_bool(0.15) { Operations::EMPTY } else { operations(rng) };
    let statuses = [DataStatus::Identified, DataStatus::Identified, DataStatus::Pseudonymised, DataStatus::Anonymised];
    let required_status = if operations.is_empty() { DataStatus::Identified } else { pick(rng, &statuses) };
    let mut terms = LicenceTerms {
        aih_data: world.items[item].hash,
        model_licence: B256::from(rng.random::<[u8; 32]>()),
        end_user: pick(rng, &world.end_users).address(),
        data_class,
        window,
        required_status,
        operations,
        usages: set(rng),
        grants: Vec::new(),
    };
    for _ in 0..pick(rng, &[0, 1, 1, 2, 3, 5, MOST_GRANTS - 1, MOST_GRANTS, MOST_GRANTS]) {
        let like_the_last = rng.random_bool(0.4);
        let grant = match terms.grants.last() {
            // Near copies make ties, whose order decides.
            Some(last) if like_the_last => near(rng, world, &terms, last.clone()),
            _ => grant(rng, world, &terms),
        };
        terms.grants.push(grant);
    }
    terms
}

fn grant(rng: &mut StdRng, world: &World, terms: &LicenceTerms) -> Grant {
    let user = rng.random_bool(0.5).then(|| named(rng, world));
    let mut user_classes = set(rng);
    if user.is_none() && user_classes.is_empty() {
        user_classes.insert(pick(rng, UserClass::ALL));
    }
    let mut data_classes = set(rng);
    if rng.random_bool(0.7) {
        data_classes.insert(terms.data_class);
    }
    Grant {
        user,
        user_classes,
        data_classes,
        operations: operations(rng),
        usages: set(rng),
        anomalies: set::<AnomalyType>(rng),
        window: if rng.random_bool(0.5) { terms.window } else { window(rng) },
    }
}

fn near(rng: &mut StdRng, world: &World, terms: &LicenceTerms, grant: Grant) -> Grant {
    let other = self::grant(rng, world, terms);
    match rng.random_range(0..5) {
        0 => Grant { operations: other.operations, ..grant },
        1 => Grant { usages: other.usages, ..grant },
        2 => Grant { data_classes: other.data_classes, ..grant },
        3 => Grant { window: other.window, ..grant },
        _ => Grant { user: other.user, user_classes: other.user_classes, ..grant },
    }
}

/// Anyone may be named, the Back End and the End User too; the zero address means nobody and cannot be.
fn named(rng: &mut StdRng, world: &World) -> Address {
    let known: Vec<Address> = world.users.keys().copied().filter(|user| *user != Address::ZERO).collect();
    if rng.random_bool(0.05) { world.registry.address } else { pick(rng, &known) }
}

fn window(rng: &mut StdRng) -> Window {
    let start = EPOCH + 1_000 * rng.random_range(0..4);
    let (start, end) = match rng.random_range(0..20) {
        0 => (0, LAST_SECOND),
        1 => (start, LAST_SECOND),
        2 => (start, start + 1),
        _ => (start, start + 1_000 * rng.random_range(1..4)),
    };
    Window::new(start, end).unwrap()
}

fn operations(rng: &mut StdRng) -> Operations {
    let density = pick(rng, &[0.03, 0.3, 0.9, 1.0]);
    let mut operations: Operations = Operation::ALL.iter().copied().filter(|_| rng.random_bool(density)).collect();
    operations.insert(pick(rng, Operation::ALL));
    operations
}

fn set<W: Word>(rng: &mut StdRng) -> WordSet<W> {
    let density = pick(rng, &[0.2, 0.5, 0.8]);
    W::ALL.iter().copied().filter(|_| rng.random_bool(density)).collect()
}

pub fn pick<T: Clone>(rng: &mut StdRng, from: &[T]) -> T {
    from.choose(rng).expect("there is something to choose from").clone()
}

// ---------------------------------------------------------------- requests

/// A request: most begin as one the licence permits and lose up to three of its properties.
pub fn case(rng: &mut StdRng, world: &World) -> Case {
    let item = rng.random_range(0..world.items.len());
    let Some(standing) = world.standing(item) else { return anything(rng, world, item) };
    if rng.random_bool(0.15) {
        return anything(rng, world, item);
    }
    let mut case = aimed(rng, world, item, standing.terms);
    for _ in 0..pick(rng, &[0, 0, 1, 1, 1, 2, 2, 3]) {
        let other = anything(rng, world, item);
        match rng.random_range(0..5) {
            0 => case.user = other.user,
            1 => case.operation = other.operation,
            2 => case.usage = other.usage,
            3 => case.at = other.at,
            _ => case.now = other.now,
        }
    }
    case
}

/// What the licence, were it in force, should permit.
fn aimed(rng: &mut StdRng, world: &World, item: usize, terms: &LicenceTerms) -> Case {
    if terms.grants.is_empty() || rng.random_bool(0.3) {
        let user = if rng.random_bool(0.8) { world.registry.address } else { terms.end_user };
        let (at, now) = (inside(rng, &terms.window), inside(rng, &terms.window));
        return Case {
            item,
            user,
            operation: one_of(rng, terms.operations),
            usage: covered(rng, terms.usages),
            at,
            now,
        };
    }
    let grant = pick(rng, &terms.grants);
    let window = grant.window.intersection(&terms.window).unwrap_or(grant.window);
    Case {
        item,
        user: grant.user.unwrap_or_else(|| member(rng, world, grant.user_classes)),
        operation: one_of(rng, grant.operations),
        usage: covered(rng, grant.usages),
        at: inside(rng, &window),
        now: inside(rng, &window),
    }
}

fn anything(rng: &mut StdRng, world: &World, item: usize) -> Case {
    let users: Vec<Address> = world.users.keys().copied().collect();
    Case {
        item,
        user: if rng.random_bool(0.15) { world.registry.address } else { pick(rng, &users) },
        operation: if rng.random_bool(0.1) { rng.random() } else { pick(rng, Operation::ALL).code() },
        usage: if rng.random_bool(0.1) { rng.random() } else { pick(rng, Usage::ALL).code() },
        at: moment(rng, world, item),
        now: moment(rng, world, item),
    }
}

fn member(rng: &mut StdRng, world: &World, classes: WordSet<UserClass>) -> Address {
    let is_member = |known: &Registration| known.class().is_some_and(|class| classes.contains(class));
    let members: Vec<Address> =
        world.users.iter().filter(|(_, known)| is_member(known)).map(|(user, _)| *user).collect();
    pick(rng, &members)
}

fn one_of(rng: &mut StdRng, operations: Operations) -> u8 {
    let licensed: Vec<Operation> = operations.iter().collect();
    licensed.choose(rng).copied().unwrap_or(Operation::DeIdAndAnonym).code()
}

/// A usage the set covers by name, or any when it covers by kind.
fn covered(rng: &mut StdRng, usages: WordSet<Usage>) -> u8 {
    let named: Vec<Usage> = usages.iter().collect();
    match named.choose(rng) {
        Some(Usage::Unrestricted | Usage::Pseudonymised | Usage::Anonymised) | None => pick(rng, Usage::ALL).code(),
        Some(usage) => usage.code(),
    }
}

/// Inside a window; its first and its last second more often than any other.
fn inside(rng: &mut StdRng, window: &Window) -> u64 {
    match rng.random_range(0..6) {
        0 => window.start(),
        1 => window.end() - 1,
        _ => rng.random_range(window.start()..window.end()),
    }
}

/// Some time; mostly at the edge of a window of the licence or of a grant.
fn moment(rng: &mut StdRng, world: &World, item: usize) -> u64 {
    let mut windows = vec![window(rng)];
    if let Some(standing) = world.standing(item) {
        windows.extend([standing.terms.window; 3]);
        windows.extend(standing.terms.grants.iter().map(|grant| grant.window));
    }
    let window = pick(rng, &windows);
    match rng.random_range(0..20) {
        0 => 0,
        1 => FAR,
        2..6 => window.start().saturating_sub(1),
        6..9 => window.start(),
        9..12 => window.end() - 1,
        12..16 => window.end(),
        16 => window.end() + 1,
        17 => window.start() + 1,
        _ => EPOCH + rng.random_range(0..8_000),
    }
}
