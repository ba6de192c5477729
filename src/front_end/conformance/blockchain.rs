//! What a Back End and the Blockchain exchange: it does not pass the HTTP door, but every request that reached the chain
//! and every answer of it stands there for anyone to read. The kit reads what concerns its own item, writes it down as the
//! messages of the standard, and holds it against what it signed and asked for itself.
//!
//! | On chain | Message |
//! | --- | --- |
//! | event `LicenceIssued` | Blockchain Licence Request (the terms are those the Model Licence means) and Response |
//! | event `LicenceConfirmed` | Licence Confirm Request and Response |

use alloy::primitives::Address;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Kit, KitError, conversation::Place};
use crate::{
    chain::node::{LOG_BLOCKS, Node, witness},
    domain::{
        ids::{LicenceId, UserId},
        licence_event::{Confirmation, LicenceEvent, LicenceEventKind as Kind},
        operation::Operation,
        taxonomy::Word,
        window,
    },
    licensing::terms::compile,
    schema::{
        self, MessageType,
        conformance::{Direction, Examined, Expectation, Part, Refusal},
    },
};

/// What the kit had done with its item, and what therefore must have been asked of the chain.
const ASKED: [Operation; 3] = [Operation::PhysiologicalEventDetection, Operation::DeIdAndAnonym, Operation::Auditing];

impl Kit {
    /// Reads what the chain holds about the kit's item.
    pub(super) async fn read_chain(&mut self, rpc: &str, place: &Place) -> Result<(), KitError> {
        let node = witness(rpc, *self.client.back_end()).await?;
        let events = node.licence_events_of(place.item.hash(), 0).await?;
        let Some(issued) = events.iter().find(|event| matches!(event.kind, Kind::Issued { .. })) else {
            let missing = "the chain holds no licence of the item that was uploaded";
            self.broken(MessageType::BlockchainLicence, (Direction::Produces, Part::Request), missing);
            return Ok(());
        };
        self.issued(&node, place, issued).await?;
        let mut asked = Vec::new();
        for event in events_of(&node, place, issued.position.block).await? {
            if let Kind::Confirmed(confirmation) = &event.kind {
                self.confirmed(&node, place, (&event, confirmation)).await?;
                asked.push(confirmation.operation);
            }
        }
        for operation in ASKED.iter().filter(|operation| !asked.contains(operation)) {
            let missing = format!("{} was carried out, and the chain was never asked", operation.word());
            self.broken(MessageType::LicenceConfirm, (Direction::Produces, Part::Request), &missing);
        }
        Ok(())
    }

    async fn issued(&mut self, node: &Node, place: &Place, event: &LicenceEvent) -> Result<(), KitError> {
        let Kind::Issued { licence, end_user, model_licence, terms, .. } = &event.kind else { return Ok(()) };
        let meant = schema::into_domain(&place.document).ok();
        let meant = meant.and_then(|document| compile(&document, self.client.back_end(), 0).ok());
        let agrees = [
            ("Licence ID", *licence == place.licence.address()),
            ("End User", *end_user == self.client.user().address()),
            ("terms", meant.as_ref().is_some_and(|offer| offer.terms == *terms)),
            ("Model Licence", meant.as_ref().is_some_and(|offer| offer.terms.model_licence == *model_licence)),
        ];
        for (what, _) in agrees.iter().filter(|(_, agrees)| !agrees) {
            let other = format!("the chain holds another {what} than was signed");
            self.broken(MessageType::BlockchainLicence, (Direction::Produces, Part::Request), &other);
        }
        let time = time_of(node, event).await?;
        let message = |body: Value| {
            json!({
                "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": super::new_id(), "BlockchainLicenceTime": time,
                "BlockchainLicence": body,
            })
        };
        let request = message(json!({ "Request": {
            "AIHDataID": place.item, "ModelLicence": place.document, "ModelLicenceSignature": place.signature,
            "Sequence": 0,
        } }));
        let response = message(json!({ "Response": {
            "BlockchainLicenceID": LicenceId::new(node.chain_id(), *licence), "LicenceStatus": true,
            "AIHDataID": place.item, "ModelLicenceHash": model_licence,
            "Evidence": evidence(node, event, *licence),
        } }));
        self.exchanged(MessageType::BlockchainLicence, event, (&request, &response));
        Ok(())
    }

    async fn confirmed(
        &mut self,
        node: &Node,
        place: &Place,
        (event, asked): (&LicenceEvent, &Confirmation),
    ) -> Result<(), KitError> {
        let (id, time) = (Uuid::from_bytes(asked.confirm_id).urn().to_string(), time_of(node, event).await?);
        let message = |body: Value| {
            json!({
                "Header": "AIH-LCF-V1.0", "LicenceConfirmID": id, "LicenceConfirmTime": time, "LicenceConfirm": body,
            })
        };
        let request = message(json!({ "Request": {
            "AIHDataID": place.item, "ProcessType": asked.operation.word(), "Time": window::rfc3339(asked.at),
            "UserID": UserId::new(node.chain_id(), asked.user), "Usage": asked.usage.word(),
        } }));
        let response = message(json!({ "Response": {
            "Status": asked.verdict.is_permitted(),
            "Reasons": asked.verdict.reasons().map(|term| term.word()).collect::<Vec<_>>(),
            "Evidence": evidence(node, event, asked.licence),
        } }));
        self.exchanged(MessageType::LicenceConfirm, event, (&request, &response));
        Ok(())
    }

    /// A request that the Back End put to the chain, and the answer it got there.
    fn exchanged(&mut self, message: MessageType, event: &LicenceEvent, (request, response): (&Value, &Value)) {
        let place = format!("{} in block {}", event.kind.name(), event.position.block);
        for (direction, document) in [(Direction::Produces, request), (Direction::Receives, response)] {
            let bytes = document.to_string();
            let examined = Examined::new(place.clone(), bytes.as_bytes(), Expectation::Accept, Some(message));
            self.examined.push(Examined { direction: Some(direction), ..examined });
        }
    }

    fn broken(&mut self, message: MessageType, (direction, part): (Direction, Part), why: &str) {
        self.examined.push(Examined {
            file: "the chain".to_owned(),
            message: Some(message),
            part,
            direction: Some(direction),
            expectation: Expectation::Accept,
            refusal: Some(Refusal::Broken(why.to_owned())),
        });
    }
}

/// The register's events about the kit's item from a block on.
async fn events_of(node: &Node, place: &Place, first: u64) -> Result<Vec<LicenceEvent>, KitError> {
    let (last, mut from, mut found) = (node.head().await?.number, first, Vec::new());
    while from <= last {
        let to = last.min(from + LOG_BLOCKS - 1);
        let events = node.events(from, to).await?;
        found.extend(events.into_iter().filter(|event| event.kind.aih_data() == Some(place.item.hash())));
        from = to + 1;
    }
    Ok(found)
}

async fn time_of(node: &Node, event: &LicenceEvent) -> Result<String, KitError> {
    let block = node.block(event.position.block).await?.ok_or(KitError::Lacks("a block it named"))?;
    Ok(window::rfc3339(block.timestamp))
}

fn evidence(node: &Node, event: &LicenceEvent, licence: Address) -> Value {
    json!({
        "LicenceID": LicenceId::new(node.chain_id(), licence), "ChainID": node.chain_id(),
        "TransactionHash": event.transaction, "BlockNumber": event.position.block, "BlockHash": event.block_hash,
        "LogIndex": event.position.log_index,
    })
}
