//! The assets of the Store that an AI Module needs: found by the parameters that name them before anybody is asked, read
//! when the permit is there, and believed only while digest and signature hold.

use uuid::Uuid;

use super::message::stored_as;
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::task::{Attachment, Purpose, Task},
    },
    db::models::ModelRow,
    licensing::LicensingError,
    mpai_store::{models::ModelError, processing},
    schema::wire::ModelFormat,
};

/// An asset that a request names.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// The parameter that names it.
    pub parameter: String,
    /// Its row.
    pub row: ModelRow,
}

const NOT_NAMED: AimError = AimError::Refused {
    pointer: "/AIHDataProcess/Request/Parameters",
    reason: "a parameter that names an asset does not name one of the Store that is of the format the AIM reads",
};

/// The parameters of a task that name assets, with the format each must have. Whether one must be there is for the schema
/// of the processing type to say: most types of an AIM need none, and an absent parameter names nothing.
fn named(task: &Task) -> Result<Vec<(&'static str, Uuid, ModelFormat)>, AimError> {
    let Purpose::Process { aim, .. } = &task.purpose else { return Ok(Vec::new()) };
    let declared = processing::all().iter().find(|declared| declared.aim_name == *aim);
    let mut named = Vec::new();
    for (parameter, format) in declared.iter().flat_map(|declared| &declared.attachments) {
        let Some(value) = task.parameters.get(parameter) else { continue };
        let id = value.as_str().and_then(|text| text.strip_prefix("urn:uuid:")).and_then(|text| text.parse().ok());
        named.push((parameter.as_str(), id.ok_or(NOT_NAMED)?, *format));
    }
    Ok(named)
}

impl Aims {
    /// The assets that a task names.
    ///
    /// # Errors
    /// [`AimError::Refused`] when a parameter names no asset of the Store, or one of another format.
    pub(in crate::aims) async fn assets_of(&self, task: &Task) -> Result<Vec<Asset>, AimError> {
        let mut assets = Vec::new();
        for (parameter, id, format) in named(task)? {
            let row = self.database.find_model(id).await?.filter(|row| stored_as(format) == Some(row.format));
            assets.push(Asset { parameter: parameter.to_owned(), row: row.ok_or(NOT_NAMED)? });
        }
        Ok(assets)
    }

    /// Reads assets for a child.
    ///
    /// # Errors
    /// When a file or a signature is not what it was, the signer does not operate this Back End, or the chain is away.
    pub(in crate::aims) async fn read_assets(&self, assets: &[Asset]) -> Result<Vec<Attachment>, AimError> {
        let mut attachments = Vec::with_capacity(assets.len());
        for Asset { parameter, row } in assets {
            self.library().must_be_signed(row)?;
            let operates = self.licensing.node().is_operator(row.signer.address()).await;
            if !operates.map_err(LicensingError::from)? {
                return Err(damaged(&ModelError::Signature(row.signer.to_string())));
            }
            let (blobs, digest) = (self.models.blobs.clone(), row.digest);
            let read = tokio::task::spawn_blocking(move || blobs.read(digest)).await;
            let read = read.map_err(|error| AimError::Worker(error.to_string()))?;
            attachments.push(Attachment { name: parameter.clone(), bytes: read.map_err(|error| damaged(&error))? });
        }
        Ok(attachments)
    }
}

/// What the Store holds is not what was put into it: a fault of this Back End, never of who asks.
pub(super) fn damaged(error: &ModelError) -> AimError {
    AimError::Worker(format!("an asset of the Store: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{operation::Operation, taxonomy::DataClass},
        schema::wire::DataFormat,
    };

    const ID: &str = "urn:uuid:01a201ed-b640-715c-8d1b-bdfd77b51054";

    fn task(aim: &str, parameters: Value) -> Task {
        let operation = Operation::MolecularVariantDetection;
        Task {
            purpose: Purpose::Process { aim: aim.to_owned(), operation },
            data_class: DataClass::Omics,
            format: DataFormat::Vcf,
            parameters: parameters.as_object().unwrap().clone(),
        }
    }

    /// Most types of an AIM that can take an asset need none: nothing is looked for, and nothing refused.
    #[test]
    fn an_absent_parameter_names_no_asset() {
        for aim in ["AIP-VCF-V1.0", "AIP-NNB-V1.0", "AIP-ECG-V1.0"] {
            assert_eq!(named(&task(aim, json!({"MinimumCoverage": 0.5}))).unwrap(), []);
        }
        let observed = Task { purpose: Purpose::Observe, ..task("", json!({"Weights": ID})) };
        assert_eq!(named(&observed).unwrap(), []);
    }

    #[test]
    fn a_parameter_that_is_there_names_an_asset_of_the_declared_format_or_is_refused() {
        let id = ID["urn:uuid:".len()..].parse().unwrap();
        let weights = named(&task("AIP-VCF-V1.0", json!({"Weights": ID, "Model": ID}))).unwrap();
        assert_eq!(weights, [("Weights", id, ModelFormat::PgsCatalog)]);
        let model = named(&task("AIP-NNB-V1.0", json!({"Weights": ID, "Model": ID}))).unwrap();
        assert_eq!(model, [("Model", id, ModelFormat::Onnx)]);
        for bad in [json!(null), json!(7), json!(""), json!("PGS000001"), json!(&ID[9..]), json!([ID])] {
            let refused = named(&task("AIP-VCF-V1.0", json!({"Weights": bad})));
            assert!(matches!(refused, Err(AimError::Refused { .. })), "{bad}: {refused:?}");
        }
    }
}
