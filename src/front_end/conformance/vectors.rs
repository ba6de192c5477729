//! Every vector, sent to the address for its type.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Kit, KitError, conversation::Place, refusal};
use crate::schema::{
    MessageType,
    conformance::{self, Direction, Examined, Expectation, Part, Refusal, Vector},
};

/// Refusals about the form of a message: right for an invalid one, wrong for a valid one.
const ABOUT_FORM: [&str; 2] = ["malformed-request", "schema-violation"];
/// A valid message may contradict its sender or its address; the schema has no say in that.
const AGREEMENT: &str = "agreement";

impl Kit {
    /// Sends the vectors below a folder.
    pub(super) async fn send_vectors(&mut self, examples: &Path, place: &Place) -> Result<(), KitError> {
        for vector in conformance::vectors(examples)? {
            let examined = Examined::new(vector.file.clone(), &vector.bytes, vector.expectation, Some(vector.message));
            let Some((method, path)) = address(&vector, examined.part, place) else { continue };
            if vector.expectation == Expectation::Accept && !is_for_the_door(&vector, examined.part) {
                continue;
            }
            let (status, answer) = self.send(method, &path, vector.bytes).await?;
            let refusal = judge(vector.expectation, status, &answer);
            self.examined.push(Examined {
                file: format!("{path} ← {}", vector.file),
                direction: Some(Direction::Receives),
                refusal,
                ..examined
            });
        }
        Ok(())
    }
}

/// Where a Back End takes messages of a type; `None` for those that only travel inside others or out. A round is started
/// with a Federated Learn Request; what Front Ends send is the Response.
fn address(vector: &Vector, part: Part, place: &Place) -> Option<(Method, String)> {
    let starts_round = vector.expectation == Expectation::Accept && part == Part::Request;
    let path = match vector.message {
        MessageType::AihData => "/v1/aih-data",
        MessageType::ModelLicence => "/v1/licences/compile",
        MessageType::BlockchainLicence => return Some((Method::POST, place.revocation())),
        MessageType::LicenceConfirm => "/v1/licence-confirm",
        MessageType::AihDataProcess => "/v1/aih-data-process",
        MessageType::Audit => "/v1/audit",
        MessageType::Register => "/v1/register",
        MessageType::Tokens => "/v1/tokens",
        MessageType::DeIdAndAnonym => "/v1/de-id-and-anonym",
        MessageType::FederatedLearn if starts_round => "/v1/federated-learn/rounds",
        MessageType::FederatedLearn => "/v1/federated-learn",
        MessageType::MlModelObject
        | MessageType::AraData
        | MessageType::HealthData
        | MessageType::UserProfile
        | MessageType::AihTaxonomies => return None,
    };
    Some((Method::POST, path.to_owned()))
}

/// A route takes requests, but for a Front End's answer in a round: any other valid response is not for it, nor is an item as the Back End gives it out, nor one whose
/// payload comes beside the message.
fn is_for_the_door(vector: &Vector, part: Part) -> bool {
    let document: Value = serde_json::from_slice(&vector.bytes).unwrap_or_default();
    let given_out = document.get("LicenceID").is_some();
    let inline = document["AIHData"].get("Data").is_some();
    let is_upload = inline && !given_out;
    let is_sent = part != Part::Response || vector.message == MessageType::FederatedLearn;
    is_sent && (vector.message != MessageType::AihData || is_upload)
}

/// What came of a vector; `None` when it was taken as a message.
fn judge(expectation: Expectation, status: StatusCode, answer: &Value) -> Option<Refusal> {
    if status.is_success() {
        return None;
    }
    match (expectation, refusal(status, answer)) {
        (Expectation::Accept, Refusal::Answered { kind, .. }) if !is_about_form(&kind, answer) => None,
        (_, refusal) => Some(refusal),
    }
}

fn is_about_form(kind: &str, answer: &Value) -> bool {
    let places = answer["pointers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let only_agreement = !places.is_empty() && places.iter().all(|place| place["keyword"] == AGREEMENT);
    ABOUT_FORM.contains(&kind) && !only_agreement
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(status: u16, kind: &str, keyword: &str) -> (StatusCode, Value) {
        let answer = json!({
            "type": format!("/problems/{kind}"), "title": "t", "status": status, "pointers": [{"keyword": keyword}],
        });
        (StatusCode::from_u16(status).unwrap(), answer)
    }

    #[test]
    fn an_invalid_message_must_be_refused_by_a_problem_document() {
        let (status, answer) = problem(422, "schema-violation", "required");
        assert!(matches!(judge(Expectation::Refuse, status, &answer), Some(Refusal::Answered { .. })));
        assert_eq!(judge(Expectation::Refuse, StatusCode::OK, &json!({})), None);
        let bare = judge(Expectation::Refuse, StatusCode::BAD_REQUEST, &Value::Null);
        assert!(matches!(bare, Some(Refusal::Broken(_))));
        let fallen = judge(Expectation::Refuse, StatusCode::INTERNAL_SERVER_ERROR, &answer);
        assert!(matches!(fallen, Some(Refusal::Broken(_))));
    }

    #[test]
    fn a_valid_message_may_be_refused_for_what_it_asks_and_not_for_its_form() {
        for (status, kind, keyword) in
            [(404, "not-found", ""), (403, "forbidden", ""), (422, "schema-violation", "agreement")]
        {
            let (status, answer) = problem(status, kind, keyword);
            assert_eq!(judge(Expectation::Accept, status, &answer), None);
        }
        for (status, kind, keyword) in [(422, "schema-violation", "type"), (400, "malformed-request", "")] {
            let (status, answer) = problem(status, kind, keyword);
            assert!(judge(Expectation::Accept, status, &answer).is_some());
        }
    }
}
