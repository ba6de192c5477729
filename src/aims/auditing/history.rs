//! The register as it stood at a moment, for one item: its licences, those of the items it derives from, and the class
//! of whoever asked. Read from the copy and kept for the length of one audit.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};

use crate::{
    aims::{AimError, Aims},
    db::{
        State,
        chain_events::{ChainEventRow, EventPosition},
        operations::OperationRow,
    },
    domain::{
        ids::AihDataId,
        licence_event::{Evidence, LicenceEventKind as Kind, Position},
        register::Register,
        taxonomy::UserClass,
    },
};

use super::examine::{MOST_SKEW_SECONDS, Recorded, started_s};

/// Licence events of one item read at once.
const PAGE: u32 = 500;
/// Items and users remembered; more are read again.
const MOST_REMEMBERED: usize = 2_000;

/// An event of the copy.
#[derive(Debug, Clone)]
struct Past {
    position: EventPosition,
    timestamp_s: i64,
    kind: Kind,
}

/// When an operation was executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    at_s: i64,
    block: Option<u64>,
}

impl Start {
    pub(super) fn of(operation: &OperationRow) -> Self {
        Self { at_s: started_s(operation), block: operation.started_block }
    }

    /// Whether an event came before. The chain's clock may go behind the house's, so what counts is whether the house
    /// knew the event's block; of later blocks, and where the row names none, those whose time is surely earlier.
    fn is_after(self, event: &Past) -> bool {
        match self.block {
            // A block that a reorganisation put in the place of one known then has a time of its own.
            Some(block) if event.position.block_number <= block => event.timestamp_s <= self.at_s + MOST_SKEW_SECONDS,
            Some(_) => event.timestamp_s + MOST_SKEW_SECONDS < self.at_s,
            None => event.timestamp_s < self.at_s,
        }
    }
}

/// What was read of the past so far.
#[derive(Default)]
pub(super) struct Histories {
    /// Which chain that is gone; `None` for the chain of now.
    ended_at_us: Option<i64>,
    items: HashMap<B256, Vec<Past>>,
    classes: HashMap<Address, Vec<Past>>,
    names: HashMap<B256, Option<(AihDataId, crate::domain::ids::UserId)>>,
}

/// An event that cannot be read, or does not follow from those before it.
fn damaged(what: impl std::fmt::Display) -> AimError {
    AimError::Index(what.to_string())
}

pub(in crate::aims) fn kind(row: &ChainEventRow) -> Result<Kind, AimError> {
    Kind::from_arguments(row.event.word(), &row.data).map_err(damaged)
}

fn past(row: &ChainEventRow) -> Result<Past, AimError> {
    Ok(Past { position: row.position(), timestamp_s: row.timestamp_s, kind: kind(row)? })
}

/// Where an event of the copy stands.
pub(in crate::aims) fn evidence(row: &ChainEventRow) -> Evidence {
    Evidence {
        licence: row.licence,
        transaction: row.tx_hash,
        position: Position { block: row.block_number, log_index: row.log_index },
        block_hash: row.block_hash,
        block_time: row.timestamp_s.cast_unsigned(),
    }
}

impl Histories {
    /// The past of a chain that is gone.
    pub(super) fn of_earlier(ended_at_us: i64) -> Self {
        Self { ended_at_us: Some(ended_at_us), ..Self::default() }
    }

    /// The item behind a hash, and its owner, when the house knows it.
    pub(super) async fn name(
        &mut self,
        aims: &Aims,
        hash: B256,
    ) -> Result<Option<(AihDataId, crate::domain::ids::UserId)>, AimError> {
        if let Some(name) = self.names.get(&hash) {
            return Ok(*name);
        }
        let name = aims.database.find_data_item_by_hash(hash).await?.map(|row| (row.id, row.owner));
        make_room(&mut self.names);
        self.names.insert(hash, name);
        Ok(name)
    }

    /// A recorded answer with the class its requester had then.
    pub(super) async fn recorded(&mut self, aims: &Aims, row: &ChainEventRow) -> Result<Option<Recorded>, AimError> {
        let Kind::Confirmed(confirmation) = kind(row)? else { return Ok(None) };
        let class = if confirmation.user == aims.back_end().address() {
            None
        } else {
            self.class(aims, confirmation.user, row.position()).await?
        };
        Ok(Some(Recorded { confirmation, evidence: evidence(row), class }))
    }

    async fn class(&mut self, aims: &Aims, user: Address, at: EventPosition) -> Result<Option<UserClass>, AimError> {
        let events = self.classes_of(aims, user).await?;
        let last = events.iter().rev().find(|event| event.position < at);
        Ok(last.and_then(|event| match event.kind {
            Kind::UserClassSet { class, .. } => Some(class),
            _ => None,
        }))
    }

    async fn classes_of(&mut self, aims: &Aims, user: Address) -> Result<&[Past], AimError> {
        if !self.classes.contains_key(&user) {
            let rows = match self.ended_at_us {
                Some(ended) => aims.database.list_earlier_class_events_of(ended, user).await?,
                None => aims.database.list_class_events_of(user).await?,
            };
            make_room(&mut self.classes);
            self.classes.insert(user, rows.iter().map(past).collect::<Result<_, _>>()?);
        }
        Ok(self.classes.get(&user).map_or(&[], Vec::as_slice))
    }

    async fn of_item(&mut self, aims: &Aims, item: B256) -> Result<&[Past], AimError> {
        if !self.items.contains_key(&item) {
            let events = lineage(aims, self.ended_at_us, item).await?;
            make_room(&mut self.items);
            self.items.insert(item, events);
        }
        Ok(self.items.get(&item).map_or(&[], Vec::as_slice))
    }

    /// The register as far as it concerns an item and a user, as it stood when an operation was executed that was
    /// answered at `at`.
    pub(super) async fn register(
        &mut self,
        aims: &Aims,
        (item, user): (B256, Address),
        at: Option<EventPosition>,
        start: Start,
    ) -> Result<Register, AimError> {
        let mut events = self.of_item(aims, item).await?.to_vec();
        events.extend_from_slice(self.classes_of(aims, user).await?);
        events.sort_by_key(|event| event.position);
        let mut register = Register::new(aims.back_end().address());
        for event in events {
            if at.is_some_and(|at| event.position <= at) || start.is_after(&event) {
                register.apply(&event.kind).map_err(damaged)?;
            }
        }
        Ok(register)
    }
}

fn make_room<K, V>(remembered: &mut HashMap<K, V>) {
    if remembered.len() >= MOST_REMEMBERED {
        remembered.clear();
    }
}

/// The licence events of an item and of everything it derives from, in order. However long the chain of derivations is:
/// nothing bounds it when it is made, so nothing may here, or a copy of a copy too many would close the audit for good.
async fn lineage(aims: &Aims, ended_at_us: Option<i64>, item: B256) -> Result<Vec<Past>, AimError> {
    let (mut events, mut above, mut seen): (Vec<Past>, Vec<B256>, Vec<B256>) = (Vec::new(), vec![item], Vec::new());
    while let Some(item) = above.pop() {
        if seen.contains(&item) {
            continue;
        }
        seen.push(item);
        for event in licence_events(aims, ended_at_us, item).await? {
            if let Kind::Derived { parent_data, .. } = &event.kind {
                above.push(*parent_data);
            }
            events.push(event);
        }
    }
    events.sort_by_key(|event| event.position);
    Ok(events)
}

/// The licence events of one item, in order.
async fn licence_events(aims: &Aims, ended_at_us: Option<i64>, item: B256) -> Result<Vec<Past>, AimError> {
    if let Some(ended) = ended_at_us {
        let rows = aims.database.list_earlier_licence_events(item).await?;
        return rows.iter().filter(|row| row.ended_at_us == ended).map(|row| past(&row.event)).collect();
    }
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let page = aims.database.list_licence_events_of_item(item, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(events) };
        after = Some(last.position());
        for row in &page {
            events.push(past(row)?);
        }
    }
}
