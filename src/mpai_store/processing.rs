//! Declarations of the processing AIMs: which processing types each performs, on which class and formats, with which
//! parameters, how, and by which source. The single source of dispatch, of the check of parameters, of what
//! `/v1/service-info` lists, and of the AIM metadata.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::results::{self, ResultError};
use crate::{
    domain::{
        operation::Operation,
        taxonomy::{DataClass, Word},
    },
    schema::{
        Violation,
        parameters::ParameterSchema,
        wire::{DataFormat, ModelFormat},
    },
};

/// The declarations, as JSON text: one line per AIM. Where several perform the same, the first is taken unless the
/// request names another by the parameter [`AIM_PARAMETER`].
const TEXTS: &[&str] = &[
    include_str!("processing/AIP-BEH-V1.0.json"),
    include_str!("processing/AIP-ECG-V1.0.json"),
    include_str!("processing/AIP-EEG-V1.0.json"),
    include_str!("processing/AIP-FHR-V1.0.json"),
    include_str!("processing/AIP-IMG-V1.0.json"),
    include_str!("processing/AIP-NNB-V1.0.json"),
    include_str!("processing/AIP-VCF-V1.0.json"),
];

/// The parameter every request may carry: the AIM's name.
pub const AIM_PARAMETER: &str = "AIMName";

/// What a processing AIM declares of itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Declaration {
    /// Its name.
    #[serde(rename = "AIMName")]
    pub aim_name: String,
    /// What it does, for people.
    pub description: String,
    /// Class of data it reads.
    pub data_class: DataClass,
    /// Formats it reads.
    pub formats: Vec<DataFormat>,
    /// Parameters that name an asset of the MPAI Store which the AIM needs, each with the format the asset must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, ModelFormat>,
    /// What it performs.
    pub performs: Vec<Performance>,
}

/// One processing type an AIM performs: by itself, or by another of its own types.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Performance {
    /// Word of the standard.
    pub processing_type: Operation,
    /// The type of the AIM's class that answers a `HealthState…` type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatches_to: Option<Operation>,
    /// What the result holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The JSON Schema the result satisfies, by its `$id`; `GET /v1/schemas/{id}` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_schema: Option<String>,
    /// Name of the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where the method is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// JSON Schema of its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    #[serde(skip)]
    compiled: Option<ParameterSchema>,
}

/// What performs a request.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The AIM.
    pub aim: &'static Declaration,
    /// The processing type it performs, `HealthState…` types translated.
    pub operation: Operation,
    performance: &'static Performance,
}

// The declarations are part of the program and a test reads each: failing here is not something input can cause.
static ALL: LazyLock<Vec<Declaration>> =
    LazyLock::new(|| TEXTS.iter().map(|text| read(text).expect("the embedded declarations are sound")).collect());

/// Every declaration.
pub fn all() -> &'static [Declaration] {
    &ALL
}

/// What performs a processing type on a class and format of data; `named` when the request names the AIM.
pub fn find(operation: Operation, class: DataClass, format: DataFormat, named: Option<&str>) -> Option<Found> {
    let fits = |aim: &&'static Declaration| aim.reads(class, format) && named.is_none_or(|name| aim.aim_name == name);
    all().iter().filter(fits).find_map(|aim| aim.perform(operation))
}

/// Whether what an AIM gave for a processing type is what its declaration says it gives.
///
/// # Errors
/// [`ResultError`]: it is not, or nothing is declared.
pub fn check_result(aim: &str, operation: Operation, result: &Value) -> Result<(), ResultError> {
    let declared = all().iter().find(|declared| declared.aim_name == aim).and_then(|aim| aim.perform(operation));
    let found = declared.ok_or(ResultError::Undeclared)?;
    let id = results::address(aim, found.operation.word()).ok_or(ResultError::Undeclared)?;
    results::check(id, result)
}

impl Declaration {
    /// Whether it reads this format of this class.
    pub fn reads(&self, class: DataClass, format: DataFormat) -> bool {
        self.data_class == class && self.formats.contains(&format)
    }

    fn asks_for(&self, parameter: &str) -> bool {
        let properties = self.performs.iter().filter_map(|p| p.parameters.as_ref()?.get("properties"));
        properties.into_iter().any(|properties| properties.get(parameter).is_some())
    }

    fn perform(&'static self, operation: Operation) -> Option<Found> {
        let of = |operation| self.performs.iter().find(|performance| performance.processing_type == operation);
        let asked = of(operation)?;
        let performance = asked.dispatches_to.map_or(Some(asked), of)?;
        Some(Found { aim: self, operation: performance.processing_type, performance })
    }
}

impl Found {
    /// Whether the parameters are as declared; [`AIM_PARAMETER`] aside.
    ///
    /// # Errors
    /// What they violate, placed below `root`.
    pub fn check(&self, parameters: &Map<String, Value>, root: &str) -> Result<(), Vec<Violation>> {
        self.performance.compiled.as_ref().map_or(Ok(()), |schema| schema.check(parameters, root))
    }
}

fn read(text: &str) -> Result<Declaration, String> {
    let mut declaration: Declaration = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for performance in &mut declaration.performs {
        performance.compiled = performance.parameters.as_ref().map(ParameterSchema::compile).transpose()?;
    }
    for performance in &declaration.performs {
        performance.is_whole(&declaration)?;
    }
    if let Some(unasked) = declaration.attachments.keys().find(|name| !declaration.asks_for(name)) {
        return Err(format!("{}: no processing type has the parameter {unasked}", declaration.aim_name));
    }
    Ok(declaration)
}

impl Performance {
    /// Either it names what it does, by which method and source and with which parameters, or who does it instead.
    fn is_whole(&self, of: &Declaration) -> Result<(), String> {
        let told = [&self.result, &self.result_schema, &self.method, &self.source].map(Option::is_some);
        let described = results::address(&of.aim_name, self.processing_type.word());
        match self.dispatches_to {
            None if told == [true; 4] && self.result_schema.as_deref() == described && self.parameters.is_some() => {
                Ok(())
            }
            Some(to)
                if told == [false; 4]
                    && of.performs.iter().any(|p| p.processing_type == to && p.dispatches_to.is_none()) =>
            {
                Ok(())
            }
            _ => Err(format!("{}: {:?} is not declared whole", of.aim_name, self.processing_type)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_is_sound_and_names_only_processing_types() {
        for text in TEXTS {
            let declaration = read(text).unwrap();
            assert!(declaration.performs.iter().all(|p| p.processing_type.is_processing_type()));
            let mut types: Vec<_> = declaration.performs.iter().map(|p| p.processing_type.code()).collect();
            types.sort_unstable();
            types.dedup();
            assert_eq!(types.len(), declaration.performs.len(), "{} declares a type twice", declaration.aim_name);
        }
    }

    #[test]
    fn a_declaration_that_leaves_its_source_out_is_refused() {
        let text = include_str!("processing/AIP-ECG-V1.0.json").replacen("\"Source\"", "\"Sauce\"", 1);
        assert!(read(&text).is_err());
    }

    #[test]
    fn a_declaration_that_names_another_result_or_none_is_refused() {
        let text = include_str!("processing/AIP-ECG-V1.0.json");
        let (own, other) = ("V1.0:PhysiologicalEventDetection", "V1.0:PhysiologicalTrendMonitoring");
        assert!(read(&text.replacen(own, other, 1)).is_err());
        assert!(read(&text.replacen(own, "V1.0:Nothing", 1)).is_err());
        let without: Vec<_> = text.lines().filter(|line| !line.contains(own)).collect();
        assert!(read(&without.join("\n")).is_err());
    }

    #[test]
    fn a_result_nobody_declares_is_refused() {
        use serde_json::json;
        let undeclared = |aim, operation| check_result(aim, operation, &json!({})) == Err(ResultError::Undeclared);
        assert!(undeclared("AIP-NIL-V1.0", Operation::PhysiologicalEventDetection));
        assert!(undeclared("AIP-ECG-V1.0", Operation::MolecularRiskPrediction));
    }

    #[test]
    fn an_attachment_that_no_type_asks_for_is_refused() {
        let text = include_str!("processing/AIP-VCF-V1.0.json");
        assert!(read(text).is_ok() && read(&text.replacen("{\"Weights\": \"PGS", "{\"Scales\": \"PGS", 1)).is_err());
        assert!(read(&text.replacen("PGSCatalog", "Excel", 1)).is_err());
    }

    #[test]
    fn a_health_state_type_goes_to_the_type_of_the_class() {
        let found =
            find(Operation::HealthStateDetection, DataClass::PhysiologicalSignal, DataFormat::Edf, None).unwrap();
        assert_eq!(found.operation, Operation::PhysiologicalEventDetection);
        assert!(
            find(Operation::MolecularRiskPrediction, DataClass::PhysiologicalSignal, DataFormat::Edf, None).is_none()
        );
        let named =
            |name| find(Operation::HealthStateDetection, DataClass::PhysiologicalSignal, DataFormat::Edf, Some(name));
        assert!(named("AIP-ECG-V1.0").is_some() && named("AIP-NIL-V1.0").is_none());
    }
}
