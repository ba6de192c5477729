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
/// Statuses of such refusals.
const FOR_FORM: [u16; 3] = [400, 415, 422];
/// A valid message may contradict its sender or its address; the schema has no say in that.
const AGREEMENT: &str = "agreement";

impl Kit {
    /// Sends the vectors below a folder.
    pub(super) async fn send_vectors(&mut self, examples: &Path, place: &Place) -> Result<(), KitError> {
        for vector in conformance::vectors(examples)? {
            let examined = Examined::new(vector.file.clone(), &vector.bytes, vector.expectation, Some(vector.message));
            let taken = vector.expectation == Expectation::Refuse || is_for_the_door(&vector, examined.part);
            let Some((method, path)) = address(&vector, examined.part, place).filter(|_| taken) else {
                self.left_out.push(vector.file);
                continue;
            };
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
    let about_form = FOR_FORM.contains(&status.as_u16());
    match (expectation, refusal(status, answer)) {
        // Whoever answers 404 to everything has read nothing.
        (Expectation::Refuse, Refusal::Answered { kind, status }) if !about_form || !is_about_form(&kind, answer) => {
            Some(Refusal::Broken(format!("refused with {status} {kind}, which says nothing of its form")))
        }
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
    use alloy::signers::local::PrivateKeySigner;
    use serde_json::json;

    use super::*;
    use crate::front_end::client::{Address, Client};

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
        for (status, kind) in [(404, "not-found"), (404, "schema-violation"), (422, "invalid-signature")] {
            let (status, answer) = problem(status, kind, "");
            assert!(matches!(judge(Expectation::Refuse, status, &answer), Some(Refusal::Broken(_))), "{kind}");
        }
        assert_eq!(judge(Expectation::Refuse, StatusCode::OK, &json!({})), None);
        let bare = judge(Expectation::Refuse, StatusCode::BAD_REQUEST, &Value::Null);
        assert!(matches!(bare, Some(Refusal::Broken(_))));
        let fallen = judge(Expectation::Refuse, StatusCode::INTERNAL_SERVER_ERROR, &answer);
        assert!(matches!(fallen, Some(Refusal::Broken(_))));
    }

    /// It registers nobody, and answers every message alike.
    async fn deaf(status: u16, kind: &'static str) -> String {
        let answer = move || async move {
            let (status, body) = problem(status, kind, "");
            (status, axum::Json(body))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    #[tokio::test]
    async fn a_back_end_that_reads_nothing_does_not_conform_whatever_it_answers() {
        let back_end = "eip155:31337:0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee".parse().unwrap();
        for (status, kind) in [(401, "unauthenticated"), (403, "forbidden"), (404, "not-found"), (429, "rate-limited")]
        {
            let address = Address { url: deaf(status, kind).await, back_end, rpc: String::new() };
            let client = Client::new(&address, PrivateKeySigner::random()).unwrap();
            let mut kit = Kit { client, examined: Vec::new(), left_out: Vec::new() };
            let place = Place::nowhere();
            kit.send_vectors(Path::new(conformance::EXAMPLES), &place).await.unwrap();
            let invalid = |examined: &&Examined| examined.expectation == Expectation::Refuse;
            let refused = kit.examined.iter().filter(invalid).count();
            assert!(refused > 100, "{refused}");
            let passed = kit.examined.iter().filter(invalid).filter(|examined| examined.is_as_expected());
            assert_eq!(passed.map(|examined| &examined.file).collect::<Vec<_>>(), Vec::<&String>::new(), "{status}");
            assert!(kit.left_out.len() > 10 && kit.left_out.iter().all(|file| file.contains("valid")));
        }
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
