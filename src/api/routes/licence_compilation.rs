//! `POST /v1/licences/compile`: what a Model Licence becomes, and what to sign. Nothing is written, on chain or here.

use alloy::primitives::{Address, B256};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{Bearer, Door, Given, Kind, Message, Problem},
    domain::{
        ids::{AihDataId, LicenceId, UserId},
        operation::Operation,
        reading,
        taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass, WordSet},
        terms::{Grant, LicenceTerms},
        window::{Window, rfc3339},
    },
    licensing::read::{PrepareError, Prepared},
    schema::{Resource, ResourceType, into_domain, wire::ModelLicence},
};

/// A compiled Model Licence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Compilation {
    /// The item it licenses.
    #[serde(rename = "AIHDataID")]
    aih_data_id: AihDataId,
    /// The Licence ID it will have.
    #[serde(rename = "LicenceID")]
    licence_id: LicenceId,
    /// keccak256 of the document in canonical form (RFC 8785).
    model_licence_hash: B256,
    /// Number of licence events of the item so far; the signature is for this moment.
    sequence: u64,
    /// The terms, in words of the standard.
    terms: Terms,
    /// The terms in plain words, one sentence each.
    plain_language: Vec<String>,
    /// What the End User signs (`eth_signTypedData_v4`).
    typed_data: Value,
    /// The hash that is signed.
    digest: B256,
}

/// The terms of a licence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Terms {
    #[serde(rename = "EndUserID")]
    end_user_id: UserId,
    #[serde(rename = "AIHDataType")]
    aih_data_type: DataClass,
    start_time: String,
    end_time: String,
    #[serde(rename = "AIHDataStatus")]
    aih_data_status: DataStatus,
    back_end_operations: Vec<Operation>,
    back_end_usages: Vec<Usage>,
    grants: Vec<GrantTerms>,
}

/// A sub-licence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantTerms {
    #[serde(rename = "UserID", skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    user_types: Vec<UserClass>,
    #[serde(rename = "AIHDataClasses")]
    aih_data_classes: Vec<DataClass>,
    operations: Vec<Operation>,
    usage_types: Vec<Usage>,
    anomaly_types: Vec<AnomalyType>,
    start_time: String,
    end_time: String,
}

impl Resource for Compilation {
    const TYPE: ResourceType = ResourceType::LicenceCompilation;
}

/// Compiles a Model Licence of the caller
#[utoipa::path(post, path = "/licences/compile", tag = "licences", security(("token" = [])),
    request_body(content = ref("#/components/schemas/ModelLicence")),
    responses((status = 200, body = ref("#/components/schemas/LicenceCompilation"))))]
pub async fn compile(State(door): State<Door>, bearer: Bearer, body: Message<ModelLicence>) -> Result<Given, Problem> {
    bearer.must_open_any(&[Operation::Store, Operation::LicenceChange])?;
    let licence = into_domain(&body.document)?;
    if licence.end_user != bearer.user() {
        return Err(Problem::new(Kind::Forbidden, "A Model Licence is compiled for its own End User."));
    }
    let prepared = door.aims.licensing.prepare(&licence).await?;
    Ok(Given::ok(&Compilation::of(licence.aih_data, prepared)))
}

impl From<PrepareError> for Problem {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Terms(error) => error.into(),
            PrepareError::Licensing(error) => error.into(),
        }
    }
}

impl Compilation {
    fn of(item: AihDataId, prepared: Prepared) -> Self {
        let terms = &prepared.offer.terms;
        Self {
            aih_data_id: item,
            licence_id: prepared.licence,
            model_licence_hash: terms.model_licence,
            sequence: prepared.offer.sequence,
            plain_language: reading::read(terms),
            terms: Terms::of(terms, prepared.licence.chain_id()),
            typed_data: prepared.typed_data,
            digest: prepared.digest,
        }
    }
}

impl Terms {
    fn of(terms: &LicenceTerms, chain_id: u64) -> Self {
        let (start_time, end_time) = times(&terms.window);
        Self {
            end_user_id: UserId::new(chain_id, terms.end_user),
            aih_data_type: terms.data_class,
            start_time,
            end_time,
            aih_data_status: terms.required_status,
            back_end_operations: words(terms.operations),
            back_end_usages: words(terms.usages),
            grants: terms.grants.iter().map(|grant| GrantTerms::of(grant, chain_id)).collect(),
        }
    }
}

impl GrantTerms {
    fn of(grant: &Grant, chain_id: u64) -> Self {
        let (start_time, end_time) = times(&grant.window);
        Self {
            user_id: grant.user.map(|user: Address| UserId::new(chain_id, user)),
            user_types: words(grant.user_classes),
            aih_data_classes: words(grant.data_classes),
            operations: words(grant.operations),
            usage_types: words(grant.usages),
            anomaly_types: words(grant.anomalies),
            start_time,
            end_time,
        }
    }
}

fn words<W: crate::domain::taxonomy::Word>(set: WordSet<W>) -> Vec<W> {
    set.iter().collect()
}

fn times(window: &Window) -> (String, String) {
    (rfc3339(window.start()), rfc3339(window.end()))
}
