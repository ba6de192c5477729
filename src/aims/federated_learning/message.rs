//! Rounds and models as messages of the standard.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    aims::{AimError, Aims},
    db::{
        federated_rounds::{RoundRow, RoundState},
        models::{ModelRow, StoredFormat},
    },
    domain::{ids::UserId, operation::Operation, taxonomy::DataClass},
    mpai_store::models::blobs::spelled,
    schema::wire::{
        DateTime, Exchange, FederatedLearn, FederatedLearnRequest, FederatedLearnResponse, FrontEnd, Header,
        HeldPayload, MessageId, MlModelObject, MlModelQualifier, ModelFormat, Parameters, Payload,
    },
};

/// Where the bytes of a model are read.
pub fn data_path(model: Uuid) -> String {
    format!("/v1/store/models/urn:uuid:{model}/data")
}

fn time(micros: i64) -> Result<DateTime, AimError> {
    DateTime::from_micros(micros).map_err(|error| AimError::Worker(error.to_string()))
}

/// A model as its message.
/// `to_operator`: with the licences of all data behind it.
///
/// # Errors
/// When its time cannot be written.
pub fn model(row: &ModelRow, to_operator: bool) -> Result<MlModelObject, AimError> {
    let meant = Meant::of(row);
    let qualifier = MlModelQualifier {
        name: Some(row.name.clone()),
        version: Some(row.version.to_string()),
        function: meant.as_ref().map(|meant| meant.function.to_owned()),
        model_type: meant.as_ref().map(|meant| meant.model_type.to_owned()),
        format: Some(sent_as(row.format)),
        parameter_count: Some(row.parameter_count),
        digest: Some(spelled(row.digest)),
        processing_types: meant.as_ref().map(|meant| vec![meant.performs]),
        input_data_classes: meant.as_ref().map(|meant| vec![meant.class]),
        parent_ml_model_object_id: row.parent.map(MessageId::from_uuid),
        round: row.round_number,
        sample_count: row.sample_count,
        federated_learn_id: row.round.map(MessageId::from_uuid),
        // A licence names its End User on chain: who else took part is nobody's business.
        licences: to_operator.then(|| row.licences.clone()),
        signed_by: Some(row.signer),
        signature: Some(row.signature.clone()),
    };
    Ok(MlModelObject {
        header: Header::new(),
        m_instance_id: None,
        ml_model_object_id: MessageId::from_uuid(row.id),
        ml_model_object_time: Some(time(row.created_at_us)?),
        ml_model_data: vec![HeldPayload::Carried(Payload::Remote { length: row.length, uri: data_path(row.id) })],
        ml_model_qualifier: Some(qualifier),
        descr_metadata: None,
    })
}

/// What a model of the Store is for.
struct Meant {
    function: &'static str,
    model_type: &'static str,
    performs: Operation,
    class: DataClass,
}

impl Meant {
    /// An ONNX graph is taken in only when it declares itself a beat classifier; a safetensors file may declare nothing.
    fn of(row: &ModelRow) -> Option<Self> {
        let declares = row.layout.get("Declaration").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        match row.format {
            StoredFormat::Safetensors if !declares => None,
            StoredFormat::Safetensors | StoredFormat::Onnx => Some(Self {
                function: "Names the kind of each heart beat of an ECG: normal, supraventricular, ventricular.",
                model_type: "MultilayerPerceptron",
                performs: Operation::PhysiologicalStateClassification,
                class: DataClass::PhysiologicalSignal,
            }),
            StoredFormat::ScoringFile => Some(Self {
                function: "Weights of a polygenic score: the sum of weight times effect alleles.",
                model_type: "PolygenicScore",
                performs: Operation::MolecularRiskPrediction,
                class: DataClass::Omics,
            }),
        }
    }
}

/// A format of the Store as messages write it.
pub fn sent_as(format: StoredFormat) -> ModelFormat {
    match format {
        StoredFormat::Safetensors => ModelFormat::Safetensors,
        StoredFormat::Onnx => ModelFormat::Onnx,
        StoredFormat::ScoringFile => ModelFormat::PgsCatalog,
    }
}

/// A format of messages as the Store keeps it; `None` for one that it does not.
pub fn stored_as(format: ModelFormat) -> Option<StoredFormat> {
    match format {
        ModelFormat::Safetensors => Some(StoredFormat::Safetensors),
        ModelFormat::Onnx => Some(StoredFormat::Onnx),
        ModelFormat::PgsCatalog => Some(StoredFormat::ScoringFile),
        ModelFormat::Nnef | ModelFormat::Json => None,
    }
}

impl Aims {
    /// What a Front End is to read of a round: the request while it takes answers, the response when there is a model.
    ///
    /// # Errors
    /// [`AimError::Conflict`] when the round ended without a model, or is being aggregated.
    pub async fn round_message(&self, round: &RoundRow) -> Result<FederatedLearn, AimError> {
        let body = match (round.state, round.result_model) {
            (RoundState::Open | RoundState::Collecting, _) => Exchange::Request(request(round)?),
            (RoundState::Promoted, Some(id)) => {
                let row = self.database.find_model(id).await?.ok_or(AimError::NotFound)?;
                Exchange::Response(Box::new(FederatedLearnResponse {
                    post_learn_nn_model: model(&row, false)?,
                    aih_data_ids: None,
                    sample_count: row.sample_count.filter(|count| *count > 0),
                    round: Some(round.number),
                    signature: None,
                    metrics: None,
                }))
            }
            (RoundState::Aggregating, _) => return Err(AimError::Conflict("the round is being aggregated")),
            _ => return Err(AimError::Conflict("the round ended without a model")),
        };
        self.enveloped(round, body)
    }

    fn enveloped(
        &self,
        round: &RoundRow,
        body: Exchange<FederatedLearnRequest, Box<FederatedLearnResponse>>,
    ) -> Result<FederatedLearn, AimError> {
        Ok(FederatedLearn {
            header: Header::new(),
            m_instance_id: None,
            federated_learn_id: MessageId::from_uuid(round.id),
            federated_learn_time: time(round.updated_at_us)?,
            end_user_id: None,
            federated_learn: body,
            descr_metadata: None,
        })
    }

    /// The requests a Front End may answer, the nearest deadline first; those it has answered are left out.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn open_requests(&self, front_end: UserId) -> Result<Vec<FederatedLearn>, AimError> {
        let mut open = Vec::new();
        for round in self.database.list_unfinished_rounds().await? {
            let takes = round.state != RoundState::Aggregating && self.clock.seconds().cast_signed() < round.deadline_s;
            let asked = round.front_end.is_none_or(|asked| asked == front_end);
            let answered = self.database.list_answers(round.id).await?.iter().any(|a| a.front_end == front_end);
            if takes && asked && !answered {
                open.push(self.enveloped(&round, Exchange::Request(request(&round)?))?);
            }
        }
        Ok(open)
    }
}

fn request(round: &RoundRow) -> Result<FederatedLearnRequest, AimError> {
    let parameters = round.parameters.as_object().cloned().unwrap_or_default();
    Ok(FederatedLearnRequest {
        hfe_id: round.front_end.map_or(FrontEnd::Any, FrontEnd::Of),
        pre_learn_nn_model_id: MessageId::from_uuid(round.base_model),
        round: Some(round.number),
        deadline: Some(time(round.deadline_s.saturating_mul(1_000_000))?),
        minimum_responses: Some(round.least),
        maximum_responses: Some(round.most),
        aggregation: serde_json::from_value(Value::String(round.aggregation.clone())).ok(),
        parameters: Some(Parameters(parameters)),
    })
}
