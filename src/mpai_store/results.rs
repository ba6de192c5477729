//! What a processing AIM gives, as JSON Schemas: one for each type it performs, below `schemas/HBE/V1.0/results/`. Its
//! declaration names it; a result that does not satisfy it is not kept.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::schema::{Violation, results::ResultSchema};

macro_rules! embedded {
    ($($aim:literal [$($type:literal),+])+) => {
        &[$($((
            concat!("urn:aih:hbe:V1.0:", $aim, ":", $type),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/HBE/V1.0/results/", $aim, "/", $type, ".json"))
        )),+),+]
    };
}

/// Address (`$id`) and text of each schema.
pub const TEXTS: &[(&str, &str)] = embedded![
    "AIP-BEH-V1.0" ["BehaviouralPatternCharacterisation", "BehaviouralRiskPrediction", "BehaviouralStateClassification", "BehaviouralStateDetection", "BehaviouralTrendMonitoring"]
    "AIP-ECG-V1.0" ["PhysiologicalEventDetection", "PhysiologicalParameterQuantification", "PhysiologicalProfileCharacterisation", "PhysiologicalRiskPrediction", "PhysiologicalStateClassification", "PhysiologicalTrendMonitoring"]
    "AIP-EEG-V1.0" ["BrainStateClassification", "NeuralEventDetection", "NeuroActivityQuantification", "NeuroStateMonitoring"]
    "AIP-FHR-V1.0" ["ClinicalConditionDetection", "ClinicalOutcomeDerivation", "ClinicalPhenotypeDerivation", "ClinicalRiskAssessment", "ClinicalStateClassification"]
    "AIP-IMG-V1.0" ["AnatomicalStructureDetection", "ImagingPhenotypeCharacterisation", "LesionExtentQuantification"]
    "AIP-NNB-V1.0" ["PhysiologicalStateClassification"]
    "AIP-VCF-V1.0" ["BiomarkerStateDerivation", "MolecularProfileQuantification", "MolecularRiskPrediction", "MolecularSignatureCharacterisation", "MolecularVariantDetection"]
];

/// Why a result is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// No schema says what it should be.
    #[error("no schema says what this result should be")]
    Undeclared,
    /// It is not what its schema says: where, and by which keyword; never with content.
    #[error("the result violates {id} at {}", places(.violations))]
    Violates {
        /// The schema.
        id: &'static str,
        /// What it violates.
        violations: Vec<Violation>,
    },
}

fn places(violations: &[Violation]) -> String {
    violations.iter().map(|v| format!("{} ({})", v.pointer, v.keyword)).collect::<Vec<_>>().join(", ")
}

// The schemas are part of the program and a test compiles each: failing here is not something input can cause.
static COMPILED: LazyLock<BTreeMap<&str, ResultSchema>> = LazyLock::new(|| {
    TEXTS.iter().map(|(id, text)| (*id, ResultSchema::read(text).expect("the embedded schemas compile"))).collect()
});

/// The address under which the result of a type performed by an AIM is described.
pub(super) fn address(aim: &str, word: &str) -> Option<&'static str> {
    let address = format!("urn:aih:hbe:V1.0:{aim}:{word}");
    TEXTS.iter().map(|(id, _)| *id).find(|id| *id == address)
}

/// Whether a result is what the schema at an address says.
pub(super) fn check(id: &'static str, result: &serde_json::Value) -> Result<(), ResultError> {
    let schema = COMPILED.get(id).ok_or(ResultError::Undeclared)?;
    schema.check(result).map_err(|violations| ResultError::Violates { id, violations })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Every schema object within a schema.
    fn objects<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
        match schema {
            Value::Object(labels) => {
                if labels.get("properties").is_some_and(Value::is_object) {
                    found.push(schema);
                }
                labels.values().for_each(|value| objects(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| objects(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_schema_compiles_under_the_address_it_declares() {
        for (id, text) in TEXTS {
            ResultSchema::read(text).unwrap_or_else(|error| panic!("{id}: {error}"));
            let schema: Value = serde_json::from_str(text).unwrap();
            assert_eq!(schema["$id"], *id);
            assert!(schema["description"].is_string());
        }
    }

    #[test]
    fn every_object_is_closed_and_every_field_is_described() {
        for (id, text) in TEXTS {
            let schema: Value = serde_json::from_str(text).unwrap();
            let mut found = Vec::new();
            objects(&schema, &mut found);
            for object in found {
                assert_eq!(object["additionalProperties"], json!(false), "{id}");
                assert!(object["required"].is_array(), "{id}");
                for (name, field) in object["properties"].as_object().unwrap() {
                    assert!(field["description"].as_str().is_some_and(|text| text.len() > 3), "{id}: {name}");
                }
            }
        }
    }

    #[test]
    fn what_violates_is_told_by_its_place_and_never_by_its_content() {
        let id = address("AIP-ECG-V1.0", "PhysiologicalEventDetection").unwrap();
        let error = check(id, &json!({"Lead": 7, "F32.1": "depression"})).unwrap_err().to_string();
        assert!(error.contains("/Lead (type)") && !error.contains("F32") && !error.contains("depression"), "{error}");
        assert_eq!(check("urn:aih:hbe:V1.0:AIP-NIL-V1.0:Nothing", &json!({})), Err(ResultError::Undeclared));
    }
}
