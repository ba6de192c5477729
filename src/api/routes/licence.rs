//! `GET /v1/licences/{id}`: a licence as the chain has it, with its state and its terms in plain words. For its End User,
//! for whoever it licenses, and for operators; to anybody else there is nothing here.

use axum::extract::State;
use uuid::Uuid;

use crate::{
    api::{Bearer, Door, Problem, Reply, extract::PathId},
    domain::{
        ids::{AihDataId, LicenceId},
        licence_event::{Evidence, Position},
        reading,
    },
    licensing::read::{Reading, State as Standing},
    schema::wire::{BlockchainLicence, Exchange, Header, LicenceResponse, LicenceState, MessageId},
};

/// Licence events of one item looked through for its evidence.
const MOST_EVENTS: u32 = 1_000;
/// Longest sentence a message holds, in characters.
const LONGEST_SENTENCE: usize = 1_024;

/// Reads a licence from the chain
#[utoipa::path(get, path = "/licences/{id}", tag = "licences", security(("token" = [])),
    params(("id" = String, Path, description = "Licence ID, `eip155:<chain id>:<address>`.")),
    responses((status = 200, description = "The licence.", body = ref("#/components/schemas/BlockchainLicence"))))]
pub async fn licence(
    State(door): State<Door>,
    bearer: Bearer,
    PathId(id): PathId<LicenceId>,
) -> Result<Reply<BlockchainLicence>, Problem> {
    let reading = visible(&door, &bearer, id).await?;
    let item = item_of(&door, &reading).await?;
    let evidence = recorded(&door, &reading).await?;
    Ok(Reply::ok(message(&door, &reading, item, evidence)?))
}

/// Where the licence's issue, change or withdrawal stands, whichever came last; none while the index has not got there.
pub(super) async fn recorded(door: &Door, reading: &Reading) -> Result<Option<Evidence>, Problem> {
    let licence = reading.licence.address();
    let events = door.aims.database.list_licence_events_of_item(reading.item(), None, MOST_EVENTS).await?;
    let last = events.into_iter().rev().find(|event| event.licence == Some(licence));
    Ok(last.map(|event| Evidence {
        licence: Some(licence),
        transaction: event.tx_hash,
        position: Position { block: event.block_number, log_index: event.log_index },
        block_hash: event.block_hash,
        // A block before 1970 does not occur.
        block_time: u64::try_from(event.timestamp_s).unwrap_or_default(),
    }))
}

/// A licence that the caller may know of.
pub(super) async fn visible(door: &Door, bearer: &Bearer, id: LicenceId) -> Result<Reading, Problem> {
    known(door, bearer, door.aims.licensing.read(id).await?).await
}

/// As [`visible`], for a withdrawal, which no doubt keeps from the chain.
pub(super) async fn visible_in_doubt(door: &Door, bearer: &Bearer, id: LicenceId) -> Result<Reading, Problem> {
    known(door, bearer, door.aims.licensing.read_in_doubt(id).await?).await
}

async fn known(door: &Door, bearer: &Bearer, reading: Option<Reading>) -> Result<Reading, Problem> {
    let reading = reading.ok_or_else(Problem::nothing_here)?;
    let account = bearer.user().address();
    if reading.terms.end_user == account || bearer.operates() {
        return Ok(reading);
    }
    let standing = door.aims.licensing.node().user(account).await?;
    if reading.concerns(account, standing) { Ok(reading) } else { Err(Problem::nothing_here()) }
}

/// The item's ID: on chain stands only its hash.
pub(super) async fn item_of(door: &Door, reading: &Reading) -> Result<Option<AihDataId>, Problem> {
    Ok(door.aims.database.find_data_item_by_hash(reading.item()).await?.map(|row| row.id))
}

/// A licence as the standard's message.
pub(super) fn message(
    door: &Door,
    reading: &Reading,
    item: Option<AihDataId>,
    evidence: Option<Evidence>,
) -> Result<BlockchainLicence, Problem> {
    let chain_id = reading.licence.chain_id();
    let on_chain = |address| LicenceId::new(chain_id, address);
    let response = LicenceResponse {
        blockchain_licence_id: Some(reading.licence),
        licence_status: true,
        aih_data_id: item,
        state: Some(state(reading.state)),
        sequence: Some(reading.sequence),
        model_licence_hash: Some(reading.terms.model_licence),
        parent_licence_id: reading.derivation.map(|derivation| on_chain(derivation.parent)),
        root_licence_id: Some(reading.derivation.map_or(reading.licence, |derivation| on_chain(derivation.root))),
        aih_data_status: Some(reading.status()),
        plain_language: Some(reading::read(&reading.terms).into_iter().flat_map(fitting).collect()),
        evidence: evidence.map(|evidence| crate::api::evidence::to_wire(&evidence, chain_id)),
        reasons: None,
    };
    Ok(BlockchainLicence {
        header: Header::new(),
        m_instance_id: None,
        blockchain_licence_id: MessageId::from_uuid(Uuid::new_v4()),
        blockchain_licence_time: door.now()?,
        blockchain_licence: Exchange::Response(Box::new(response)),
        descr_metadata: None,
    })
}

fn state(state: Standing) -> LicenceState {
    match state {
        Standing::Active => LicenceState::Active,
        Standing::BackEndRenounced => LicenceState::BackEndRenounced,
        Standing::Superseded => LicenceState::Superseded,
        Standing::Revoked => LicenceState::Revoked,
    }
}

/// A sentence that lists many operations can be longer than a message holds; then it goes on in the next one.
fn fitting(sentence: String) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in sentence.split(' ') {
        // There is always a last part.
        let Some(last) = parts.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= LONGEST_SENTENCE {
            last.push(' ');
            last.push_str(word);
        } else {
            parts.push(word.to_owned());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_goes_on_in_the_next_part() {
        let sentence = "PhysiologicalParameterQuantification, ".repeat(60);
        let parts = fitting(sentence.trim().to_owned());
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part.len() <= LONGEST_SENTENCE && !part.is_empty()));
        assert_eq!(parts.join(" "), sentence.trim());
        assert_eq!(fitting("Short.".to_owned()), ["Short."]);
    }
}
