//! An Audit Response against the chain, in both directions: everything it says is there, and everything that is there
//! is said.

use std::collections::{HashMap, HashSet};

use alloy::primitives::Address;

use super::{
    Judged, VerifyError, named,
    report::{Finding, VerifyReport},
    scan::Scan,
};
use crate::{
    chain::node::Node,
    domain::{ids::AihDataId, licence_event::Position},
    schema::wire::{AuditResponse, Processing, ProcessingStatus},
};

/// Compares the decisions; gives the block up to which the response vouches for itself.
pub(super) async fn compare(
    node: &Node,
    scan: &Scan,
    own: &[&Judged],
    response: &AuditResponse,
    report: &mut VerifyReport,
) -> Result<u64, VerifyError> {
    let reaches = check_reach(node, scan, response, report).await?;
    let said = check_entries(node, scan, own, response, report);
    let names: Vec<AihDataId> = response.aih_data.iter().map(|item| item.aih_data_id).collect();
    for judged in own.iter().filter(|judged| judged.evidence.position.block <= reaches) {
        if !said.contains(&judged.evidence.position) {
            report.findings.push(Finding::Missing {
                position: judged.evidence.position,
                item: named(judged.item(), &names),
                operation: judged.confirmation.operation,
            });
        }
    }
    report.said = Some(said.len());
    report.earlier = response.earlier_chain.as_ref().map_or(0, Vec::len);
    report.non_conformities = response.non_conformities.as_ref().map_or(0, Vec::len);
    Ok(reaches)
}

/// What the response says, entry by entry; gives the places on chain it told of.
fn check_entries(
    node: &Node,
    scan: &Scan,
    own: &[&Judged],
    response: &AuditResponse,
    report: &mut VerifyReport,
) -> HashSet<Position> {
    let recorded: HashMap<Position, &Judged> =
        scan.answers.iter().map(|judged| (judged.evidence.position, judged)).collect();
    let mut said = HashSet::new();
    for item in &response.aih_data {
        for entry in &item.processing_types {
            let place = entry
                .evidence
                .as_ref()
                .map(|evidence| Position { block: evidence.block_number, log_index: evidence.log_index.into() });
            let Some((place, judged)) = place.and_then(|place| Some((place, *recorded.get(&place)?))) else {
                report.findings.push(Finding::NotOnChain { entry: describe(entry) });
                continue;
            };
            if !said.insert(place) {
                report.findings.push(Finding::SaidTwice { position: place });
            }
            for field in differences(node.chain_id(), item.aih_data_id, entry, judged) {
                report.findings.push(Finding::Differs { position: place, field });
            }
            // True, but not an answer to what was asked.
            if !own.iter().any(|own| own.evidence.position == place)
                && scan.register.end_user_of(judged.item()).is_some()
            {
                report.findings.push(Finding::OutOfScope { position: place });
            }
        }
    }
    said
}

/// The block up to which the response vouches for itself must be on this chain. Without one it vouches for nothing, and
/// is held to all of the chain.
async fn check_reach(
    node: &Node,
    scan: &Scan,
    response: &AuditResponse,
    report: &mut VerifyReport,
) -> Result<u64, VerifyError> {
    let Some(complete) = &response.complete_to_block else {
        report.findings.push(Finding::NoReach);
        return Ok(scan.last.number);
    };
    let found = node.block(complete.block_number).await?;
    if found.is_none_or(|block| block.hash != complete.block_hash) {
        report.findings.push(Finding::UnknownBlock { number: complete.block_number, hash: complete.block_hash });
        return Ok(scan.last.number);
    }
    report.complete_to = Some(complete.block_number);
    Ok(complete.block_number)
}

fn describe(entry: &Processing) -> String {
    format!("{} of {} at {}", entry.processing_type, entry.aih_data_id, entry.process_time.as_str())
}

fn differences(chain_id: u64, item: AihDataId, entry: &Processing, judged: &Judged) -> Vec<&'static str> {
    let (asked, evidence) = (&judged.confirmation, &judged.evidence);
    let verdict = entry.reasons.as_ref().map(|reasons| reasons.iter().copied().collect());
    let denied = entry.status == Some(ProcessingStatus::Denied);
    let licence = entry.licence_id.map_or(Address::ZERO, |licence| licence.address());
    let shown = entry.evidence.as_ref();
    let checks = [
        ("AIHDataID", entry.aih_data_id == item && item.hash() == asked.aih_data),
        ("ProcessingType", entry.processing_type == asked.operation),
        ("ProcessTime", entry.process_time.at().unix_timestamp() == evidence.block_time.cast_signed()),
        ("Status", entry.status.is_some() && denied != asked.verdict.is_permitted()),
        ("UserID", entry.user_id.is_some_and(|user| (user.chain_id(), user.address()) == (chain_id, asked.user))),
        ("UserType", entry.user_type == judged.class),
        ("Usage", entry.usage == Some(asked.usage)),
        ("IntendedTime", entry.intended_time.is_none_or(|time| time.seconds() == asked.at)),
        ("Reasons", verdict == Some(asked.verdict)),
        ("LicenceConfirmID", entry.licence_confirm_id.is_none_or(|id| id.into_bytes() == asked.confirm_id)),
        ("LicenceID", licence == asked.licence),
        ("Evidence/ChainID", shown.is_some_and(|shown| shown.chain_id == chain_id)),
        ("Evidence/LicenceID", shown.is_some_and(|shown| shown.licence_id.address() == asked.licence)),
        ("Evidence/TransactionHash", shown.is_some_and(|shown| shown.transaction_hash == evidence.transaction)),
        ("Evidence/BlockHash", shown.is_some_and(|shown| shown.block_hash == evidence.block_hash)),
    ];
    checks.into_iter().filter_map(|(field, same)| (!same).then_some(field)).collect()
}
