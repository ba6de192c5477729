//! The acts an Audit Response tells against the licence events of the chain, in both directions. An erasure leaves no
//! event, so it is only required to rest on one that there is. An unsealing is a `Retrieve` to the chain: each must rest on
//! a recorded yes to that, of the same user on the same item, and one yes covers one; which readings were unsealings the
//! chain cannot tell.

use std::collections::HashSet;

use super::{
    Judged, Verification, named,
    report::{Finding, VerifyReport},
    scan::{LicenceAct, Scan},
};
use crate::{
    chain::node::Node,
    domain::{
        ids::{AihDataId, UserId},
        licence_event::{LicenceEventKind as Kind, Position},
        operation::Operation,
    },
    schema::wire::{Act, ActKind, AuditResponse, Evidence, ProcessingStatus},
};

/// What a licence event is called as an act, and the service it belongs to.
fn word(kind: &Kind) -> Option<(ActKind, Operation)> {
    match kind {
        Kind::Issued { .. } => Some((ActKind::Store, Operation::Store)),
        Kind::Derived { .. } => Some((ActKind::Derive, Operation::Store)),
        Kind::Changed { .. } => Some((ActKind::ChangeLicence, Operation::LicenceChange)),
        Kind::Revoked { .. } => Some((ActKind::RevokeLicence, Operation::LicenceChange)),
        Kind::Confirmed(_) | Kind::UserClassSet { .. } | Kind::DerivationRefused { .. } => None,
    }
}

pub(super) fn compare(
    node: &Node,
    (scan, asked): (&Scan, &Verification),
    (response, reaches): (&AuditResponse, u64),
    report: &mut VerifyReport,
) {
    let names: Vec<AihDataId> = response.aih_data.iter().map(|item| item.aih_data_id).collect();
    let mut said = HashSet::new();
    for item in &response.aih_data {
        for act in item.acts.iter().flatten() {
            if act.kind == ActKind::Unseal {
                unsealing((node.chain_id(), scan), item.aih_data_id, act, &mut said, report);
                continue;
            }
            let place = act.evidence.as_ref().map(place);
            let found = place.and_then(|place| scan.acts.iter().find(|act| act.event.position == place));
            let Some(found) = found else {
                // Only an erasure may rest on nothing: of a chain that was reset.
                if act.kind != ActKind::Erase || act.evidence.is_some() {
                    report.findings.push(Finding::NotOnChain { entry: describe(act) });
                }
                continue;
            };
            let position = found.event.position;
            if act.kind != ActKind::Erase && !said.insert(position) {
                report.findings.push(Finding::SaidTwice { position });
            }
            for field in differences((node.chain_id(), scan), item.aih_data_id, act, found) {
                report.findings.push(Finding::Differs { position, field });
            }
        }
    }
    for act in scan.acts.iter().filter(|act| act.event.position.block <= reaches && is_own(scan, asked, act)) {
        let (Some(item), Some((_, operation))) = (act.event.kind.aih_data(), word(&act.event.kind)) else { continue };
        if !said.contains(&act.event.position) {
            let position = act.event.position;
            report.findings.push(Finding::Missing { position, item: named(item, &names), operation });
        }
    }
}

/// An unsealing against the recorded answer it rests on.
fn unsealing(
    (chain_id, scan): (u64, &Scan),
    item: AihDataId,
    act: &Act,
    said: &mut HashSet<Position>,
    report: &mut VerifyReport,
) {
    let position = act.evidence.as_ref().map(place);
    let found = position.and_then(|place| scan.answers.iter().find(|judged| judged.evidence.position == place));
    let Some(Judged { confirmation: asked, evidence, .. }) = found else {
        report.findings.push(Finding::NotOnChain { entry: describe(act) });
        return;
    };
    let position = evidence.position;
    if !said.insert(position) {
        report.findings.push(Finding::SaidTwice { position });
    }
    let user = |user: &UserId| (user.chain_id(), user.address()) == (chain_id, asked.user);
    let shown = act.evidence.as_ref();
    let checks = [
        ("Act", asked.operation == Operation::Retrieve && asked.verdict.is_permitted()),
        ("Status", act.status == ProcessingStatus::Executed),
        ("ActTime", act.act_time.at().unix_timestamp() == evidence.block_time.cast_signed()),
        ("AIHDataID", act.aih_data_id == item && item.hash() == asked.aih_data),
        ("UserID", act.user_id.as_ref().is_some_and(user)),
        ("LicenceID", act.licence_id.is_some_and(|licence| licence.address() == asked.licence)),
        ("Evidence/ChainID", shown.is_some_and(|shown| shown.chain_id == chain_id)),
        ("Evidence/TransactionHash", shown.is_some_and(|shown| shown.transaction_hash == evidence.transaction)),
        ("Evidence/BlockHash", shown.is_some_and(|shown| shown.block_hash == evidence.block_hash)),
    ];
    let wrong = checks.into_iter().filter(|(_, same)| !same);
    report.findings.extend(wrong.map(|(field, _)| Finding::Differs { position, field }));
}

fn place(evidence: &Evidence) -> Position {
    Position { block: evidence.block_number, log_index: evidence.log_index.into() }
}

fn is_own(scan: &Scan, asked: &Verification, act: &LicenceAct) -> bool {
    let (Some(item), Some((_, operation))) = (act.event.kind.aih_data(), word(&act.event.kind)) else { return false };
    scan.register.end_user_of(item) == Some(asked.end_user.address())
        && asked.period.is_none_or(|(from, until)| (from..until).contains(&act.block_time))
        && asked.operations.is_none_or(|operations| operations.contains(operation))
}

fn describe(act: &Act) -> String {
    format!("the act {:?} on {} at {}", act.kind, act.aih_data_id, act.act_time.as_str())
}

fn differences((chain_id, scan): (u64, &Scan), item: AihDataId, act: &Act, found: &LicenceAct) -> Vec<&'static str> {
    let event = &found.event;
    let shown = act.evidence.as_ref();
    let mut checks = vec![
        ("AIHDataID", act.aih_data_id == item),
        ("Evidence/ChainID", shown.is_some_and(|shown| shown.chain_id == chain_id)),
        ("Evidence/TransactionHash", shown.is_some_and(|shown| shown.transaction_hash == event.transaction)),
        ("Evidence/BlockHash", shown.is_some_and(|shown| shown.block_hash == event.block_hash)),
    ];
    if act.kind != ActKind::Erase {
        let by = match &event.kind {
            Kind::Issued { end_user, .. } => Some(*end_user),
            Kind::Revoked { by, .. } => Some(*by),
            // Nobody else can; a derivation's event names nobody.
            Kind::Changed { aih_data, .. } => scan.register.end_user_of(*aih_data),
            _ => None,
        };
        let is_by = |by| act.user_id.is_some_and(|user| (user.chain_id(), user.address()) == (chain_id, by));
        checks.extend([
            ("Act", word(&event.kind).is_some_and(|(kind, _)| kind == act.kind)),
            ("ActTime", act.act_time.at().unix_timestamp() == found.block_time.cast_signed()),
            ("AIHDataID", event.kind.aih_data() == Some(item.hash())),
            ("LicenceID", act.licence_id.map(|licence| licence.address()) == event.kind.licence()),
            ("UserID", by.is_none_or(is_by)),
            // It happened; what the Back End did about it, it may not know.
            ("Status", matches!(act.status, ProcessingStatus::Executed | ProcessingStatus::Permitted)),
        ]);
    }
    checks.into_iter().filter_map(|(field, same)| (!same).then_some(field)).collect()
}
