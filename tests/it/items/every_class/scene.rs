//! A house with an item in it, what is asked of it, and what must come of that.

use health_back_end::{
    domain::{
        ids::AihDataId,
        operation::Operation,
        taxonomy::{DataClass, Word},
    },
    front_end::{paperwork, publication::Publication, recording::Recording},
    mpai_store::processing::{self, AIM_PARAMETER, Declaration, Performance},
    schema::wire::{DataFormat, ModelFormat},
};
use reqwest::multipart;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    beats,
    samples::{Sample, answering},
    variants,
};
use crate::{
    environment::{
        house::{Answer, Client, House, send},
        scene,
    },
    items::paper::{self, Parcel, licence_in, process, request, result, result_item},
};

/// What is told about a type that nobody declares.
const NO_AIM: &str = "no AIM in the Store performs this on this format";

pub struct Scene {
    pub house: House,
    pub patient: Client,
    pub institute: Client,
    pub class: DataClass,
    model: OnceCell<String>,
    weights: OnceCell<String>,
}

impl Scene {
    pub async fn start(class: DataClass) -> Self {
        let scene::Scene { house, patient, institute } = scene::Scene::set().await;
        Self { house, patient, institute, class, model: OnceCell::new(), weights: OnceCell::new() }
    }

    /// Licenses an item to the institute for each of the forty types, and uploads it.
    pub async fn upload(&self, format: DataFormat, bytes: &[u8]) -> AihDataId {
        let parcel = self.parcel(format, bytes);
        parcel.send_in_parts(&self.patient).await.expect(201);
        parcel.id
    }

    pub fn parcel(&self, format: DataFormat, bytes: &[u8]) -> Parcel {
        let (back_end, id) = (self.house.chain.deployment.back_end(), paper::new_item());
        let mut wish = paper::wish(id);
        wish.data_class = self.class.word().to_owned();
        wish.back_end_processes.clear();
        wish.processes = Operation::processing_types().map(|operation| operation.word().to_owned()).collect();
        let document = paperwork::write(&wish, &self.patient.user, &back_end);
        let qualifier = json!({"DataClass": self.class.word(), "Format": format.word()});
        let recording = Recording { description: String::new(), qualifier, bytes: bytes.to_vec(), true_beats: None };
        paper::sealed(&self.patient, &back_end, id, document, &recording)
    }

    /// Asks for a processing type, with parameters.
    pub async fn ask(&self, item: AihDataId, operation: Operation, parameters: &Map<String, Value>) -> Answer {
        let mut message = request(&self.institute, item, operation.word(), "Research");
        if !parameters.is_empty() {
            message["AIHDataProcess"]["Request"]["Parameters"] = json!(parameters);
        }
        process(&self.institute, &message).await
    }

    /// A declared type is performed: an item of its own with a licence derived from its parent's, and true.
    pub async fn performed(&self, aim: &Declaration, performance: &Performance, sample: &Sample, item: AihDataId) {
        let asked = performance.processing_type;
        let mut parameters = sample.parameters_for(performance);
        parameters.insert(AIM_PARAMETER.to_owned(), json!(aim.aim_name));
        for (name, format) in &aim.attachments {
            if needs(aim, performance, name) {
                parameters.insert(name.clone(), json!(self.asset(*format).await));
            }
        }
        let model = aim.attachments.keys().find_map(|name| parameters.get(name)).cloned();
        let answer = self.ask(item, asked, &parameters).await;
        assert_eq!(answer.status, 200, "{} {asked}: {}", aim.aim_name, answer.body);
        let id = self.is_derived(&answer, item).await;
        let found = result(&answer);
        (sample.check)(answering(performance), &found);
        satisfies_its_schema(aim, answering(performance), &found);
        assert_eq!(found.get("MLModelObjectID"), model.as_ref(), "the asset it rests on is named");
        // It is kept as it was answered, for the End User too.
        let kept = self.patient.get(&format!("/v1/aih-data/{id}/payload")).await;
        assert_eq!(kept.expect(200).body, found);
    }

    async fn is_derived(&self, answer: &Answer, parent: AihDataId) -> AihDataId {
        let item = result_item(answer);
        let id: AihDataId = item["AIHDataID"].as_str().unwrap().parse().unwrap();
        assert_ne!(id, parent);
        assert_eq!(item["ParentAIHDataID"], parent.to_string());
        assert_eq!(item["EndUserID"], self.patient.user.to_string());
        assert_eq!(item["AIHDataQualifier"]["DataClass"], self.class.word());
        assert_eq!(item["AIHDataQualifier"]["Format"], "JSON");
        let (licence, node) = (licence_in(item).address(), self.house.chain.node());
        assert!(node.stands(licence).await.unwrap());
        let (_, derivation) = node.terms(licence).await.unwrap();
        assert_eq!(derivation.expect("a derived licence").data_item, id.hash());
        id
    }

    /// Each of the forty types that no AIM declares for a format is answered in the same words.
    pub async fn undeclared(&self, format: DataFormat, item: AihDataId) {
        let declared = |operation| processing::find(operation, self.class, format, None).is_some();
        let mut seen = 0;
        for operation in Operation::processing_types() {
            seen += 1;
            if declared(operation) {
                continue;
            }
            let answer = self.ask(item, operation, &Map::new()).await;
            answer.expect(422).problem("unprocessable");
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains(NO_AIM), "{operation} on {}: {detail}", format.word());
        }
        assert_eq!(seen, 40);
    }

    /// An asset of the Store in a format, put there by the operator.
    async fn asset(&self, format: ModelFormat) -> String {
        let put = async |name: &str, bytes: Vec<u8>| {
            let operator = self.house.operator().await;
            let (id, answer) = publish(&operator, &self.house, name, format, &bytes).await;
            answer.expect(201);
            id
        };
        match format {
            ModelFormat::Onnx => self.model.get_or_init(async || put("beats", beats::trained()).await).await.clone(),
            ModelFormat::PgsCatalog => {
                self.weights.get_or_init(async || put("score", variants::weights()).await).await.clone()
            }
            other => panic!("there is no asset of the format {other:?} here"),
        }
    }
}

/// A true result is what its schema says; spoilt in any field, it is not.
fn satisfies_its_schema(aim: &Declaration, operation: Operation, found: &Value) {
    let check = |result: &Value| processing::check_result(&aim.aim_name, operation, result);
    check(found).unwrap_or_else(|error| panic!("{error}"));
    let fields: Vec<_> = found.as_object().unwrap().keys().collect();
    assert!(fields.len() >= 3, "{operation}");
    for field in fields {
        for wrong in [json!({"never": true}), json!([[]]), json!(-1e300)] {
            let mut spoilt = found.clone();
            spoilt[field] = wrong;
            assert!(check(&spoilt).is_err(), "{operation}: {field}");
        }
    }
    let mut more = found.clone();
    more["PatientName"] = json!("Ada");
    assert!(check(&more).is_err() && check(&json!({})).is_err() && check(&json!([found])).is_err());
}

/// Whether a type, or the one that answers it, has a parameter.
fn needs(aim: &Declaration, performance: &Performance, parameter: &str) -> bool {
    let answers = aim.performs.iter().find(|p| p.processing_type == answering(performance)).unwrap();
    answers.parameters.as_ref().unwrap()["properties"].get(parameter).is_some()
}

/// Puts a file into the Store of a house over HTTP.
pub async fn publish(who: &Client, house: &House, name: &str, format: ModelFormat, bytes: &[u8]) -> (String, Answer) {
    let id = Uuid::now_v7();
    let publication = Publication { id, name, format, parent: None, bytes };
    let message = publication.message(&house.chain.deployment.back_end(), &who.signer).unwrap();
    (format!("urn:uuid:{id}"), put(who, &message, bytes).await)
}

/// The message, then the bytes.
pub async fn put(who: &Client, message: &Value, bytes: &[u8]) -> Answer {
    let form = multipart::Form::new()
        .part("message", multipart::Part::text(message.to_string()))
        .part("payload", multipart::Part::bytes(bytes.to_vec()));
    send(who.request(reqwest::Method::POST, "/v1/store/models").multipart(form)).await
}
