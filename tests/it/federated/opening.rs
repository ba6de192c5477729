//! Who hears that a round opens, what both directions of the message say, and what a model tells of its lineage.

use health_back_end::{
    domain::taxonomy::UserClass,
    front_end::{client::Client, listening::Listener},
    schema::{self, wire},
};
use serde_json::{Value, json};

use super::{
    answers::{Asked, TRAINING, refused, send},
    scene::round_message,
    stage::Stage,
};
use crate::environment::INSTITUTE;

const OPENED: &str = "federated-learn.opened";
/// What no round tells.
const LAST_WORD: &str = "register.corrected";

/// The next event of a stream.
async fn next(listener: &mut Listener) -> (String, Value) {
    let news = listener.next().await.unwrap().unwrap();
    (news.kind, news.data)
}

/// The next event of a kind. What the indexer copies from the chain, such as that a licence was issued, comes when it comes.
async fn next_of(listener: &mut Listener, kind: &str) -> Value {
    loop {
        match next(listener).await {
            (found, data) if found == kind => return data,
            _ => {}
        }
    }
}

/// Notices a user is to be told, of one kind, as a stream that begins at the beginning gives them.
async fn heard(stage: &Stage, client: &Client, kind: &str) -> Vec<Value> {
    // A last word of the test's own ends the look.
    stage.tell(client, LAST_WORD).await;
    let (mut listener, mut heard) = (Listener::open(client, Some(0)).await.unwrap(), Vec::new());
    loop {
        match next(&mut listener).await {
            (found, _) if found == LAST_WORD => return heard,
            (found, data) if found == kind => heard.push(data),
            _ => {}
        }
    }
}

impl Stage {
    async fn tell(&self, client: &Client, kind: &str) {
        let notice = health_back_end::db::notices::NewNotice {
            user: client.user(),
            kind: kind.to_owned(),
            data: json!({"CompleteToBlock": null}),
            created_at_us: self.house.clock.micros(),
        };
        self.house.database.insert_notices(&[notice]).await.unwrap();
    }
}

async fn requests(client: &Client) -> Vec<Value> {
    client.get("/v1/federated-learn").await.unwrap()["Requests"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn front_ends_hear_of_a_round_that_opens_and_nobody_else_does() {
    let mut stage = Stage::start().await;
    let (ada, bob) = (stage.front_end(1, TRAINING).await, stage.front_end(2, TRAINING).await);
    let mut stream = Listener::open(&ada.client, None).await.unwrap();
    let asked = stage.open(json!({"MinimumResponses": 1, "Deadline": stage.in_a_minute()})).await;
    let told = next_of(&mut stream, OPENED).await;
    assert_eq!(
        told,
        json!({
            "FederatedLearnID": asked.round, "Round": 1, "HFEID": "*", "PreLearnNNModelID": asked.base,
            "Deadline": told["Deadline"],
        })
    );
    // The request itself is where it always was.
    assert_eq!(requests(&ada.client).await[0]["FederatedLearnID"], asked.round.as_str());
    // Who was away hears it on coming back; and once, though the operator asks twice.
    let request = json!({"HFEID": "*", "PreLearnNNModelID": stage.model, "MinimumResponses": 1});
    stage.operator.post("/v1/federated-learn/rounds", &round_message(&asked.round, request)).await.unwrap();
    assert_eq!(heard(&stage, &bob.client, OPENED).await, [told]);
    // Neither a Third Party User nor an End User whose Token is for something else.
    let institute = stage.house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let mut other = Client::new(&stage.address, institute.signer.clone()).unwrap();
    other.log_in(&["Store", "FederatedLearning", "AIHDataProcessing"]).await.unwrap();
    assert_eq!(heard(&stage, &other, OPENED).await, [] as [Value; 0]);
    let mut elsewhere = Client::new(&stage.address, bob.client.key().clone()).unwrap();
    elsewhere.log_in(&["Store"]).await.unwrap();
    assert_eq!(heard(&stage, &elsewhere, OPENED).await, [] as [Value; 0]);

    // A round for one Front End is told to that one, and cannot be seen or answered by another.
    stage.pass(61).await;
    assert_eq!(stage.ended(&asked).await["State"], "expired");
    let ours = stage.open(json!({"HFEID": ada.client.user(), "MinimumResponses": 1})).await;
    assert_eq!(next_of(&mut stream, OPENED).await["HFEID"], json!(ada.client.user()));
    assert_eq!(heard(&stage, &bob.client, OPENED).await.len(), 1);
    assert_eq!((requests(&bob.client).await.len(), requests(&ada.client).await.len()), (0, 1));
    let better = stage.learned().await;
    refused(send(&bob, &ours.draft(&bob, better.clone())).await, 404);
    refused(bob.client.get(&format!("/v1/federated-learn/{}", ours.round)).await, 404);
    ours.answer(&ada, better).await;
    assert_eq!(stage.ended(&ours).await["State"], "promoted");
    stage.stop().await;
}

impl Stage {
    fn in_a_minute(&self) -> String {
        health_back_end::domain::window::rfc3339(self.house.clock.seconds() + 60)
    }
}

/// Valid against the schema, and the same after our own types have read and written it.
fn whole(message: &Value) -> wire::FederatedLearn {
    let bytes = serde_json::to_vec(message).unwrap();
    let read = schema::read::<wire::FederatedLearn>(&bytes, 1 << 20).unwrap_or_else(|e| panic!("{e}: {message}"));
    assert_eq!(&serde_json::to_value(&read.message).unwrap(), message);
    read.message
}

async fn qualifier(stage: &Stage, model: &str) -> Value {
    stage.operator.get(&format!("/v1/store/models/{model}")).await.unwrap()["MLModelQualifier"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_directions_are_one_message_and_the_lineage_of_a_model_lists_its_licences() {
    let mut stage = Stage::start().await;
    let people = [stage.front_end(1, TRAINING).await, stage.front_end(2, TRAINING).await];
    let first = stage.model.clone();
    let mut models = vec![first.clone()];
    for (n, front_end) in people.iter().enumerate() {
        let asked: Asked = stage.open(json!({"MinimumResponses": 1, "MaximumResponses": 1})).await;
        // Back End → Front End: a Request that names the Front End (or all) and the model before learning.
        let request = requests(&front_end.client).await.remove(0);
        let wire::Exchange::Request(body) = whole(&request).federated_learn else { panic!("{request}") };
        assert_eq!((request["Header"].as_str(), body.hfe_id), (Some("AIH-FDL-V1.0"), wire::FrontEnd::Any));
        assert_eq!(request["FederatedLearn"]["Request"]["PreLearnNNModelID"], stage.model.as_str());
        assert_eq!(request["FederatedLearnID"], asked.round.as_str());
        // Front End → Back End: a Response with the model after learning and the data behind it.
        let draft = asked.draft(front_end, stage.learned().await);
        let answer = draft.message(front_end);
        let wire::Exchange::Response(body) = whole(&answer).federated_learn else { panic!("{answer}") };
        assert_eq!(body.aih_data_ids, Some(vec![front_end.item]));
        // What comes back at once is the Request it is now counted in; and who answered is not asked again.
        whole(&send(front_end, &draft).await.unwrap());
        assert_eq!(requests(&front_end.client).await, [] as [Value; 0]);
        assert_eq!(stage.ended(&asked).await["State"], "promoted");
        // Back End → Front Ends: at the end a Response with the new model, under the same ID.
        let told = front_end.client.get(&format!("/v1/federated-learn/{}", asked.round)).await.unwrap();
        let wire::Exchange::Response(_) = whole(&told).federated_learn else { panic!("{told}") };
        assert_eq!(told["FederatedLearnID"], asked.round.as_str());
        let object = &told["FederatedLearn"]["Response"]["PostLearnNNModel"];
        assert_eq!(object["MLModelObjectID"], stage.model.as_str());
        // The same as the Store tells the operator, who alone is told whose licences are behind it.
        let mut stored = stage.operator.get(&format!("/v1/store/models/{}", stage.model)).await.unwrap();
        assert!(stored["MLModelQualifier"].as_object_mut().unwrap().remove("Licences").is_some());
        assert_eq!(object, &stored);

        let of = qualifier(&stage, &stage.model).await;
        assert_eq!(of["ParentMLModelObjectID"], models[n].as_str());
        assert_eq!((&of["FederatedLearnID"], of["Round"].as_u64()), (&json!(asked.round), Some(n as u64 + 1)));
        models.push(stage.model.clone());
    }
    // The second learned from Ada, the third from Bob, and through its parent from Ada.
    let licences = async |model: &str| {
        let of = qualifier(&stage, model).await;
        let mut named: Vec<String> = serde_json::from_value(of["Licences"].clone()).unwrap();
        named.sort_unstable();
        named
    };
    let mut both = people.each_ref().map(|front_end| front_end.licence.to_string());
    both.sort_unstable();
    assert_eq!(licences(&models[0]).await, [] as [String; 0]);
    assert_eq!(licences(&models[1]).await, [people[0].licence.to_string()]);
    assert_eq!(licences(&models[2]).await, both);
    // So does the ONNX file that is used to classify.
    let list = stage.models().await;
    let onnx = list.iter().find(|m| {
        m["MLModelQualifier"]["Format"] == "ONNX"
            && m["MLModelQualifier"]["ParentMLModelObjectID"] == models[2].as_str()
    });
    let id = onnx.expect("an ONNX file beside the model")["MLModelObjectID"].as_str().unwrap();
    assert_eq!(licences(id).await, both);
    stage.stop().await;
}
