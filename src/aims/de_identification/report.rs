//! **The report**: what was done to a copy, by which rules, what was reached and what remains; never a value of the data.
//! Signed by this Back End's operator key (EIP-191 over the canonical form, RFC 8785), which the registry on chain knows:
//! so it can be checked with a node alone, like the audit.

use alloy::primitives::{Address, B256, Bytes};
use serde::Serialize;
use serde_json::{Value, json};

use super::{job::Treatment, pseudonyms::SealedMapping};
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::treatment::{Measure, Outcome, StepDone},
    },
    db::{
        data_items::{DataItemRow, ObjectFacts},
        treatments::TreatmentRow,
    },
    domain::{
        ids::{AihDataId, BackEndId, LicenceId, UserId},
        operation::Operation,
        taxonomy::{DataClass, DataStatus, Usage},
    },
    licensing::{confirm::Question, permit::Grounds},
    schema::{
        ResourceType, canonical, validate_resource,
        wire::{DataFormat, DateTime, DeIdAndAnonymType},
    },
};

/// Everything a report is made from.
pub(super) struct Facts<'a> {
    /// What was asked for.
    pub treatment: &'a Treatment,
    /// By which recorded yes.
    pub grounds: &'a Grounds,
    /// The original.
    pub item: &'a DataItemRow,
    /// The copy.
    pub copy: &'a DataItemRow,
    /// What was done.
    pub outcome: &'a Outcome,
    /// What came of it.
    pub facts: &'a ObjectFacts,
}

/// The report, as it is signed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report<'a> {
    #[serde(rename = "BackEndID")]
    back_end_id: BackEndId,
    #[serde(rename = "AIHDataID")]
    aih_data_id: AihDataId,
    #[serde(rename = "ParentAIHDataID")]
    parent_aih_data_id: AihDataId,
    data_class: DataClass,
    format: DataFormat,
    #[serde(rename = "DeIDAndAnonymType")]
    de_id_and_anonym_type: DeIdAndAnonymType,
    #[serde(rename = "DeIDAndAnonymAlgoID")]
    de_id_and_anonym_algo_id: &'static str,
    source: &'static str,
    #[serde(rename = "AIHDataStatus")]
    aih_data_status: DataStatus,
    recipient: UserId,
    time: DateTime,
    steps: &'a [StepDone],
    measures: &'a [Measure],
    residual: &'a [String],
    pseudonyms: usize,
    original: Original,
    copy: Copied,
    #[serde(rename = "LicenceID")]
    licence_id: LicenceId,
    licence_confirm: Confirmed,
}

/// The original by a commitment: a bare digest would let a reader try out guesses at a small table.
#[derive(Debug, Serialize)]
struct Original {
    #[serde(rename = "SaltedSHA256")]
    salted_sha256: B256,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Copied {
    length: u64,
    #[serde(rename = "SHA256")]
    sha256: B256,
}

/// Where the yes stands on chain.
#[derive(Debug, Serialize)]
struct Confirmed {
    #[serde(rename = "LicenceConfirmID")]
    licence_confirm_id: String,
    #[serde(rename = "LicenceID")]
    licence_id: LicenceId,
    #[serde(rename = "TransactionHash")]
    transaction_hash: B256,
    #[serde(rename = "BlockNumber")]
    block_number: u64,
    #[serde(rename = "BlockHash")]
    block_hash: B256,
    #[serde(rename = "LogIndex")]
    log_index: u64,
}

impl Aims {
    /// Signs the report of a copy and keeps it with the sealed way back.
    pub(super) async fn keep_report(&self, about: &Facts<'_>, sealed: SealedMapping) -> Result<(), AimError> {
        let report = json!(self.report(about, &sealed)?);
        let (signer, signature) = self.licensing.attest(&canonical::canonical(&report))?;
        let report = as_described(signed(report, signer, &signature))?;
        let treatment = TreatmentRow {
            item: about.copy.id,
            parent: about.item.id,
            operation_id: about.treatment.id,
            recipient: about.treatment.recipient,
            report,
            mapping_sealed: sealed.text,
            created_at_us: self.clock.micros(),
        };
        Ok(self.database.insert_treatment(&treatment).await?)
    }

    fn report<'a>(&self, about: &Facts<'a>, sealed: &SealedMapping) -> Result<Report<'a>, AimError> {
        let chain_id = self.back_end().chain_id();
        let (outcome, evidence) = (about.outcome, &about.grounds.evidence);
        Ok(Report {
            back_end_id: self.back_end(),
            aih_data_id: about.copy.id,
            parent_aih_data_id: about.item.id,
            data_class: about.copy.data_class,
            format: about.treatment.copy.format,
            de_id_and_anonym_type: about.treatment.asked,
            de_id_and_anonym_algo_id: about.treatment.algorithm.name,
            source: about.treatment.algorithm.source,
            aih_data_status: about.copy.status,
            recipient: about.treatment.recipient,
            time: DateTime::from_seconds(self.clock.seconds()).map_err(|error| AimError::Worker(error.to_string()))?,
            steps: &outcome.steps,
            measures: &outcome.measures,
            residual: &outcome.residual,
            pseudonyms: sealed.count,
            original: Original { salted_sha256: sealed.commitment },
            copy: Copied { length: about.facts.plain_length, sha256: about.facts.sha256 },
            licence_id: LicenceId::new(chain_id, about.copy.licence.unwrap_or(Address::ZERO)),
            licence_confirm: Confirmed {
                licence_confirm_id: format!("urn:uuid:{}", about.treatment.id),
                licence_id: LicenceId::new(chain_id, about.grounds.licence),
                transaction_hash: evidence.transaction,
                block_number: evidence.position.block,
                block_hash: evidence.block_hash,
                log_index: evidence.position.log_index,
            },
        })
    }

    /// A treated copy and what was done to it.
    ///
    /// # Errors
    /// [`AimError::NotFound`] when it is none, [`AimError::Erased`].
    pub async fn treated_copy(&self, copy: AihDataId) -> Result<(DataItemRow, TreatmentRow), AimError> {
        let item = self.stored_item(copy).await?;
        let treatment = self.database.find_treatment(copy).await?.ok_or(AimError::NotFound)?;
        Ok((item, treatment))
    }

    /// The signed report of a copy, for its End User, whoever asked for it, and whoever the chain would let read the copy.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for anybody else, as for a copy that is not there.
    pub async fn de_identification_report(
        &self,
        reader: UserId,
        copy: AihDataId,
        usage: Usage,
    ) -> Result<TreatmentRow, AimError> {
        let (item, treatment) = self.treated_copy(copy).await?;
        let asked_for_it = self.operation(treatment.operation_id).await?.requester == reader;
        if item.owner == reader || asked_for_it || treatment.recipient == reader {
            return Ok(treatment);
        }
        let question = Question {
            item: copy,
            requester: reader.address(),
            operation: Operation::Retrieve,
            usage,
            at: self.clock.seconds(),
            confirm_id: [0; 16],
        };
        if self.licensing.check(&question).await?.is_permitted() { Ok(treatment) } else { Err(AimError::NotFound) }
    }
}

/// A signed report as its schema has it. One that nobody could be shown is not kept, and so its copy is taken back.
fn as_described(signed: Value) -> Result<Value, AimError> {
    validate_resource(ResourceType::DeIdentificationReport, &signed).map_err(|violations| {
        let places: Vec<_> = violations.iter().map(|v| format!("{} ({})", v.pointer, v.keyword)).collect();
        AimError::Worker(format!("a report violates its schema at {}", places.join(", ")))
    })?;
    Ok(signed)
}

fn signed(report: Value, signer: UserId, signature: &Bytes) -> Value {
    json!({ "Report": report, "Signature": { "Scheme": "EIP-191", "Signer": signer, "Value": signature } })
}

/// The report in lines, as the response carries it; each at most `longest` characters, at most `most` lines.
pub fn lines(signed: &Value, most: usize, longest: usize) -> Vec<String> {
    let report = &signed["Report"];
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = list("Steps");
    let steps =
        steps.iter().map(|step| format!("{}: {} ({})", text(&step["Technique"]), text(&step["Rule"]), step["Count"]));
    let steps: Vec<String> = steps.collect();
    let measures = list("Measures");
    let measures = measures.iter().map(|measure| format!("{} = {}", text(&measure["Name"]), measure["Value"]));
    let residual = list("Residual");
    let residual = residual.iter().map(|note| format!("Residual: {}", text(note)));
    let mut lines: Vec<String> = measures.chain(residual).collect();
    lines.splice(0..0, steps);
    let left = lines.len().saturating_sub(most);
    if left > 0 {
        lines.truncate(most.saturating_sub(1));
        lines.push(format!("{} more lines are in the signed report", left + 1));
    }
    lines.into_iter().map(|line| line.chars().take(longest).collect()).collect()
}
