//! Messages that are right, and the routes there are.

use std::{fs, path::Path};

use health_back_end::{
    domain::ids::AihDataId,
    front_end::{paperwork, publication::Publication},
    schema::wire::ModelFormat,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    environment::{
        OPERATOR,
        house::{ALL_SERVICES, Client, House},
        key,
    },
    items::{
        every_class::variants,
        paper::{self, PARAMETERS, Parcel, request, withdrawal},
    },
};

/// A message that some route takes, or might.
pub struct Sample {
    pub method: Method,
    pub path: String,
    pub document: Value,
    pub from: From,
}

/// Who sends it.
#[derive(Clone, Copy, PartialEq)]
pub enum From {
    Patient,
    Institute,
    Operator,
}

/// The one route that takes nothing but parts.
pub const MODELS: &str = "/v1/store/models";

/// All routes that take a body.
pub fn routes(licence: &str, item: AihDataId) -> Vec<(Method, String)> {
    [
        "/v1/register/challenge",
        "/v1/register",
        "/v1/tokens",
        "/v1/licences/compile",
        "/v1/licence-confirm",
        "/v1/aih-data",
        "/v1/aih-data-process",
        "/v1/audit",
        "/v1/de-id-and-anonym",
        "/v1/federated-learn",
        "/v1/federated-learn/rounds",
        "/v1/webhooks",
        MODELS,
    ]
    .iter()
    .map(|path| (Method::POST, (*path).to_owned()))
    .chain([
        (Method::POST, format!("/v1/licences/{licence}/revocation")),
        (Method::PUT, format!("/v1/licences/{licence}")),
        (Method::POST, format!("/v1/aih-data/{item}/de-identification/mapping")),
        (Method::PUT, "/v1/alerts/recipients".to_owned()),
    ])
    .collect()
}

/// Every route that is described with a body is among them: one that is added later cannot be forgotten here.
pub fn all_that_take_a_body_are_there(routes: &[(Method, String)]) {
    let alike = |described: &str, path: &str| {
        let (described, path): (Vec<_>, Vec<_>) = (described.split('/').collect(), path.split('/').collect());
        described.len() == path.len() && described.iter().zip(path).all(|(d, p)| d.starts_with('{') || *d == p)
    };
    let document = health_back_end::api::openapi::document();
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, _) in methods.as_object().unwrap().iter().filter(|(_, told)| told.get("requestBody").is_some()) {
            let there = |(m, p): &(Method, String)| m.as_str().eq_ignore_ascii_case(method) && alike(path, p);
            assert!(routes.iter().any(there), "{method} {path} takes a body, and nothing is sent to it");
            seen += 1;
        }
    }
    assert_eq!(seen, routes.len(), "a route of this list takes no body, or is not described");
}

/// The valid examples of the schemas, each for the route of its type; types without a route go to a route of items.
pub fn examples(licence: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    for folder in fs::read_dir(Path::new("schemas/examples/valid")).unwrap() {
        let folder = folder.unwrap();
        let path = match folder.file_name().to_str().unwrap() {
            "Register" => "/v1/register".to_owned(),
            "Tokens" => "/v1/tokens".to_owned(),
            "ModelLicence" => "/v1/licences/compile".to_owned(),
            "LicenceConfirm" => "/v1/licence-confirm".to_owned(),
            "BlockchainLicence" => format!("/v1/licences/{licence}/revocation"),
            "AIHDataProcess" => "/v1/aih-data-process".to_owned(),
            "Audit" => "/v1/audit".to_owned(),
            "DeIDAndAnonym" => "/v1/de-id-and-anonym".to_owned(),
            "FederatedLearn" => "/v1/federated-learn".to_owned(),
            _ => "/v1/aih-data".to_owned(),
        };
        for file in fs::read_dir(folder.path()).unwrap() {
            let document: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            // A round is opened by a request, and by an operator.
            let opens = path == "/v1/federated-learn" && document["FederatedLearn"].get("Request").is_some();
            let (path, from) = match opens {
                true => ("/v1/federated-learn/rounds".to_owned(), From::Operator),
                false => (path.clone(), From::Patient),
            };
            samples.push(Sample { method: Method::POST, path, document, from });
        }
    }
    samples.sort_by_key(|sample| (sample.path.clone(), sample.document.to_string()));
    samples
}

/// Messages that are good here and now.
pub async fn real(house: &House, patient: &Client, institute: &Client, stored: &Parcel, licence: &str) -> Vec<Sample> {
    let back_end = house.chain.deployment.back_end();
    let sample =
        |path: &str, document| Sample { method: Method::POST, path: path.to_owned(), document, from: From::Patient };
    let put = |path: &str, document| Sample { method: Method::PUT, ..sample(path, document) };
    let asked = |path: &str, document| Sample { from: From::Institute, ..sample(path, document) };
    let stranger = house.stranger(5);
    let fresh = paper::table(patient, &back_end, b"time,pulse\n1,70\n");
    let question = json!({
        "Header": "AIH-LCF-V1.0", "LicenceConfirmID": crate::environment::house::urn(),
        "LicenceConfirmTime": "2026-03-01T09:00:00Z",
        "LicenceConfirm": {"Request": {
            "AIHDataID": stored.id, "ProcessType": PARAMETERS, "Time": "2026-03-01T09:00:00Z", "Usage": "Research",
        }},
    });
    let audit = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": crate::environment::house::urn(), "AuditTime": "2026-04-01T10:00:00Z",
        "Audit": {"Request": {"UserID": patient.user,
            "AuditPeriod": {"StartTime": "2026-03-01T00:00:00Z", "EndTime": "2096-04-01T00:00:00Z"}}},
    });
    let treatment = json!({
        "Header": "AIH-DIA-V1.0", "DeIDAndAnonymID": crate::environment::house::urn(),
        "DeIDAndAnonymTime": "2026-03-01T09:00:00Z", "EndUserID": patient.user,
        "DeIDAndAnonym": {"Request": {"AIHDataID": stored.id, "DeIDAndAnonymType": "De-Identify"}},
    });
    // Signed for a moment that does not come, so that the other flows keep their licence.
    let licensed = stored.message["ModelLicence"].clone();
    let signature = paperwork::sign(&licensed, &back_end, 7, &patient.signer).unwrap();
    let change = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": crate::environment::house::urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": stored.id, "ModelLicence": licensed, "ModelLicenceSignature": signature, "Sequence": 7,
        }},
    });
    // Withdrawing for real would end the other flows: this one is of a licence that is another's.
    let unrelated = withdrawal(institute, &back_end, stored.id, licence.parse().unwrap());
    let weights = variants::weights();
    let format = ModelFormat::PgsCatalog;
    let publication = Publication { id: uuid::Uuid::now_v7(), name: "score", format, parent: None, bytes: &weights };
    let model = publication.message(&back_end, &key(OPERATOR)).unwrap();
    vec![
        sample("/v1/register/challenge", json!({"UserID": stranger.user})),
        sample("/v1/register", stranger.register_message(&stranger.person(), &ALL_SERVICES, stranger.proof().await)),
        sample("/v1/tokens", patient.tokens_message(&ALL_SERVICES, patient.proof().await)),
        sample("/v1/licences/compile", fresh.message["ModelLicence"].clone()),
        asked("/v1/licence-confirm", question),
        sample("/v1/aih-data", fresh.inline()),
        sample("/v1/aih-data", fresh.announced(fresh.payload.len())),
        asked("/v1/aih-data-process", request(institute, stored.id, PARAMETERS, "Research")),
        sample(&format!("/v1/licences/{licence}/revocation"), unrelated),
        sample("/v1/audit", audit),
        sample("/v1/de-id-and-anonym", treatment),
        sample(&format!("/v1/aih-data/{}/de-identification/mapping", stored.id), json!({"Usage": "Patient Use"})),
        sample("/v1/webhooks", json!({"URL": "http://127.0.0.1:9/hook"})),
        put("/v1/alerts/recipients", json!({"AIHDataID": stored.id, "Recipients": [institute.user]})),
        put(&format!("/v1/licences/{licence}"), change),
        Sample { from: From::Operator, ..sample(MODELS, model) },
    ]
}
