//! Variant files of the AIH Data Processing SubAIM: AI Module `AIP-VCF-V1.0`, from a VCF 4 payload to five results.
//!
//! ```text
//! payload ─► reader (lines, bgzip, limits) ─► noodles-vcf ─► record ─► Site ─► detection    (counts by kind)
//!                                                                          ├► profile      (Ti/Tv, zygosity, frequencies)
//!                                                                          ├► signature    (six substitution classes)
//!                                                                          ├► biomarker    (zygosity at requested rsIDs)
//!            weights (PGS Catalog file from the Store) ─► matching ────────┴► risk         (polygenic score)
//! ```
//!
//! | Processing type of the standard | Function |
//! | --- | --- |
//! | `MolecularVariantDetection` | [`detect_variants`] |
//! | `MolecularProfileQuantification` | [`quantify_profile`] |
//! | `MolecularSignatureCharacterisation` | [`characterise_substitutions`] |
//! | `BiomarkerStateDerivation` | [`derive_states`] |
//! | `MolecularRiskPrediction` | [`predict`] |
//!
//! A file is read once, record by record; memory holds one record and the counts. Results speak of samples by the
//! number of their column: names stay in the file. Of several people in one file only the one whom the request names is
//! read, as by `bcftools view -s`: the sites are the file's, the genotypes theirs. None of this is a diagnosis.

pub mod biomarker;
pub mod detection;
mod distribution;
mod error;
pub mod genome_build;
pub mod hardy_weinberg;
pub mod limits;
mod matching;
mod observe;
pub mod profile;
pub mod reader;
mod record;
pub mod risk;
pub mod signature;
pub mod site;
pub mod weights;

#[cfg(test)]
mod tests;

pub use biomarker::{BiomarkerStates, derive_states};
pub use detection::{VariantDetection, detect_variants};
pub use distribution::Summary;
pub use error::OmicsError;
pub use matching::MatchedBy;
pub use profile::{ProfileQuantification, quantify_profile};
pub use reader::VcfReader;
pub use risk::{RiskPrediction, predict};
pub use signature::{SignatureCharacterisation, characterise_substitutions};

use crate::{
    aims::ai_modules::{input::Input, observations::Observations},
    domain::operation::Operation,
    schema::wire::DataFormat,
};

/// The parameter that says in which column of several the End User stands, from 1.
const SAMPLE: &str = "Sample";

/// Performs one processing type.
///
/// # Errors
///
/// What is wrong with the payload, a parameter or the weight file, in words, never with values from it.
pub fn run(input: &Input<'_>) -> Result<serde_json::Value, String> {
    open(input).and_then(|mut reader| perform(&mut reader, input)).map_err(|e| e.to_string())
}

/// What Anomaly and Risk Alerting can judge.
///
/// # Errors
///
/// As [`run`].
pub fn observe(input: &Input<'_>) -> Result<Observations, String> {
    let observed = open(input).and_then(|mut reader| observe::observations(&mut reader));
    observed.map_err(|e| e.to_string())
}

/// Opens a file for one person. The licence of an item is one End User's and covers nobody else's genome: where there are
/// several columns, theirs must be named, and no other is read.
fn open<'p>(input: &Input<'p>) -> Result<VcfReader<'p>, OmicsError> {
    if input.format != DataFormat::Vcf {
        return Err(OmicsError::Format);
    }
    let mut reader = VcfReader::open(input.payload)?;
    let people = reader.samples();
    let column = input.parameters.get(SAMPLE).map(|number| number.as_u64().and_then(|n| usize::try_from(n).ok()));
    match column {
        None if people > 1 => return Err(OmicsError::SeveralPeople(people)),
        None => {}
        Some(Some(column)) if (1..=people).contains(&column) => reader.narrow(column - 1),
        Some(_) => return Err(OmicsError::Parameter { name: SAMPLE, reason: "the file has no such column" }),
    }
    Ok(reader)
}

fn perform(reader: &mut VcfReader<'_>, input: &Input<'_>) -> Result<serde_json::Value, OmicsError> {
    match input.operation {
        Operation::MolecularVariantDetection => json(&detect_variants(reader)?),
        Operation::MolecularProfileQuantification => json(&quantify_profile(reader)?),
        Operation::MolecularSignatureCharacterisation => json(&characterise_substitutions(reader)?),
        Operation::BiomarkerStateDerivation => json(&derive_states(reader, input.parameters)?),
        Operation::MolecularRiskPrediction => {
            let weights = input.attachments.get(risk::WEIGHTS).map(Vec::as_slice);
            json(&predict(reader, input.parameters, weights)?)
        }
        _ => Err(OmicsError::NotPerformed),
    }
}

fn json(result: &impl serde::Serialize) -> Result<serde_json::Value, OmicsError> {
    serde_json::to_value(result).map_err(|_| OmicsError::Json)
}
