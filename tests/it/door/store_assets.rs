//! Digest and signature of what the Store keeps, checked at both ends, for each of its formats: an operator sends it, the
//! Back End reads it, a Front End downloads it; what was changed on the way or in the house is not believed.

use std::io::Write;

use health_back_end::{
    db::models::ModelRow,
    domain::ids::UserId,
    front_end::{
        client::{Address, Client as FrontEnd},
        publication::Publication,
        training::{TrainingError, learner::fresh, session::verified_bytes},
    },
    mpai_store::models::{blobs::sha256, declaration::Declaration, onnx},
    schema::wire::ModelFormat,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::liar::Liar;
use crate::{
    environment::{OPERATOR, PATIENT, house::House, key},
    items::every_class::{scene::put, variants},
};

fn files() -> [(ModelFormat, Vec<u8>); 3] {
    let network = fresh(Declaration::beat_classifier(4), 1);
    [
        (ModelFormat::Safetensors, network.write().unwrap()),
        (ModelFormat::Onnx, onnx::encode(&network)),
        (ModelFormat::PgsCatalog, variants::weights()),
    ]
}

/// A Front End of the patient, at a house or at what stands in front of it.
async fn front_end(house: &House, url: &str) -> FrontEnd {
    let rpc = house.chain.devnet.url();
    let address = Address { url: url.to_owned(), back_end: house.chain.deployment.back_end(), rpc };
    let mut client = FrontEnd::new(&address, key(PATIENT)).unwrap();
    client.log_in(&["Retrieve"]).await.unwrap();
    client
}

fn untrusted(outcome: Result<Vec<u8>, TrainingError>) -> &'static str {
    match outcome {
        Err(TrainingError::Untrusted(why)) => why,
        other => panic!("believed, or refused for another reason: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_is_believed_at_neither_end() {
    let house = House::start().await;
    house.end_user(PATIENT).await;
    let (operator, back_end) = (house.operator().await, house.chain.deployment.back_end());
    let (rpc, reader) = (house.chain.devnet.url(), front_end(&house, &house.url).await);
    for (format, bytes) in files() {
        let publication = Publication { id: Uuid::now_v7(), name: "model", format, parent: None, bytes: &bytes };
        let message = publication.message(&back_end, &operator.signer).unwrap();
        let told = put(&operator, &message, &bytes).await;
        let qualifier = told.expect(201).body["MLModelQualifier"].clone();
        assert_eq!(qualifier["Format"], json!(format));
        assert_eq!((&qualifier["Version"], &qualifier["Licences"]), (&json!("1"), &json!([])));
        assert!(qualifier["ParameterCount"].as_u64().unwrap() > 0 && qualifier["ProcessingTypes"].is_array());
        // The same again is the same; another under its ID is refused.
        assert_eq!(put(&operator, &message, &bytes).await.expect(201).body, told.body);
        let other = Publication { name: "other", ..publication };
        let other = other.message(&back_end, &operator.signer).unwrap();
        put(&operator, &other, &bytes).await.expect(409).problem("conflict");
        assert_eq!(verified_bytes(&reader, &rpc, publication.id).await.unwrap(), bytes);

        lies_on_the_way(&house, &publication).await;
        damage_in_the_house(&house, &publication, &reader).await;
    }
    house.stop().await;
}

/// What is told of a model otherwise, what bytes it is said to have, and why neither is believed.
type Lie<'a> = (Vec<(&'a str, Value)>, Option<&'a [u8]>, &'static str);

/// Between Back End and Front End: other bytes, another digest, another signature, another signer.
async fn lies_on_the_way(house: &House, publication: &Publication<'_>) {
    let rpc = house.chain.devnet.url();
    let stranger = key(PATIENT);
    let signed_by_stranger = publication.message(&house.chain.deployment.back_end(), &stranger).unwrap();
    let theirs = |name: &str| signed_by_stranger["MLModelQualifier"][name].clone();
    let (mut flipped, longer) = (publication.bytes.to_vec(), [publication.bytes, b"\n"].concat());
    flipped[20] ^= 1;
    let digest_of = |bytes: &[u8]| json!(format!("sha256:{}", alloy::hex::encode(sha256(bytes))));
    let lies: [Lie<'_>; 5] = [
        (vec![], Some(&flipped), "its bytes do not have the digest of its message"),
        (vec![("Digest", digest_of(&flipped))], Some(&flipped), "its signature does not hold"),
        (vec![("Signature", theirs("Signature"))], None, "its signature does not hold"),
        (vec![("SignedBy", theirs("SignedBy"))], None, "its signature does not hold"),
        (
            vec![("Signature", theirs("Signature")), ("SignedBy", theirs("SignedBy"))],
            None,
            "who signed it does not operate this Back End",
        ),
    ];
    for (fields, bytes, why) in lies {
        let liar = Liar::start(&house.url, fields, bytes.map(<[u8]>::to_vec)).await;
        let reader = front_end(house, &liar.url).await;
        assert_eq!(untrusted(verified_bytes(&reader, &rpc, publication.id).await), why);
    }
    // More than was announced is not even read to its end.
    let liar = Liar::start(&house.url, Vec::new(), Some(longer)).await;
    let reader = front_end(house, &liar.url).await;
    assert!(matches!(verified_bytes(&reader, &rpc, publication.id).await, Err(TrainingError::Client(_))));
    let honest = Liar::start(&house.url, Vec::new(), None).await;
    assert!(verified_bytes(&front_end(house, &honest.url).await, &rpc, publication.id).await.is_ok());
}

/// In the house: a file that was changed on the disk, a row that was changed in the cellar. Nothing of it leaves.
async fn damage_in_the_house(house: &House, publication: &Publication<'_>, reader: &FrontEnd) {
    let rpc = house.chain.devnet.url();
    let place = format!("/v1/store/models/urn:uuid:{}/data", publication.id);
    let operator = house.operator().await;
    let file = house.door.aims.models.blobs.path(sha256(publication.bytes));
    let mut spoilt = publication.bytes.to_vec();
    spoilt[10] ^= 1;
    std::fs::File::create(&file).unwrap().write_all(&spoilt).unwrap();
    operator.get(&place).await.expect(500).problem("internal");
    assert!(matches!(verified_bytes(reader, &rpc, publication.id).await, Err(TrainingError::Client(_))));
    std::fs::write(&file, publication.bytes).unwrap();
    operator.get(&place).await.expect(200);

    let library = house.door.aims.library();
    let row = house.database.find_model(publication.id).await.unwrap().unwrap();
    library.must_be_signed(&row).unwrap();
    for mut other in [row.clone(), ModelRow { digest: sha256(b"other"), ..row.clone() }] {
        // Under an ID of its own, as whoever holds the cellar could write it: the signature is over another.
        other.id = Uuid::now_v7();
        other.lineage = other.id;
        assert!(library.must_be_signed(&other).is_err());
        house.database.insert_model(&other).await.unwrap();
        let place = format!("/v1/store/models/urn:uuid:{}/data", other.id);
        operator.get(&place).await.expect(500).problem("internal");
    }
    let spoilt = ModelRow { signature: vec![1; 65].into(), ..row.clone() };
    let renamed = ModelRow { digest: sha256(b"other"), ..row.clone() };
    let of_another = ModelRow { signer: UserId::new(row.signer.chain_id(), key(PATIENT).address()), ..row };
    assert!([spoilt, renamed, of_another].iter().all(|row| library.must_be_signed(row).is_err()));
}

#[tokio::test]
async fn versions_follow_one_another_where_no_round_makes_them() {
    let house = House::start().await;
    let (operator, back_end) = (house.operator().await, house.chain.deployment.back_end());
    for (format, bytes) in files() {
        let send = async |id: Uuid, parent: Option<Uuid>| {
            let publication = Publication { id, name: "model", format, parent, bytes: &bytes };
            put(&operator, &publication.message(&back_end, &operator.signer).unwrap(), &bytes).await
        };
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        send(first, None).await.expect(201);
        let next = send(second, Some(first)).await;
        if format == ModelFormat::Safetensors {
            assert!(next.expect(422).body["detail"].as_str().unwrap().contains("rounds of federated learning"));
            continue;
        }
        let qualifier = &next.expect(201).body["MLModelQualifier"];
        assert_eq!(qualifier["Version"], "2");
        assert_eq!(qualifier["ParentMLModelObjectID"], format!("urn:uuid:{first}"));
        send(Uuid::now_v7(), Some(first)).await.expect(409).problem("conflict");
        assert_eq!(send(Uuid::now_v7(), Some(second)).await.expect(201).body["MLModelQualifier"]["Version"], "3");
    }
    house.stop().await;
}

/// What is wrong with an asset is told before the chain records anything: one that is not there, of another format, or of
/// a signer who operates nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asset_that_is_none_is_refused_before_anything_is_recorded() {
    use health_back_end::{domain::taxonomy::DataClass, schema::wire::DataFormat};

    use crate::items::every_class::scene::{Scene, publish};
    let scene = Scene::start(DataClass::Omics).await;
    let operator = scene.house.operator().await;
    let item = scene.upload(DataFormat::Vcf, variants::FILE.as_bytes()).await;
    let network = onnx::encode(&fresh(Declaration::beat_classifier(4), 1));
    let (graph, answer) = publish(&operator, &scene.house, "beats", ModelFormat::Onnx, &network).await;
    answer.expect(201);
    let ask = async |weights: Value| {
        let parameters = json!({"Weights": weights, "MinimumCoverage": 0.5, "Sample": 1}).as_object().unwrap().clone();
        scene.ask(item, health_back_end::domain::operation::Operation::MolecularRiskPrediction, &parameters).await
    };
    let block = scene.house.chain.node().head().await.unwrap().number;
    for weights in [json!(graph), json!(format!("urn:uuid:{}", Uuid::now_v7())), json!("PGS000001"), json!(7)] {
        let answer = ask(weights.clone()).await;
        answer.expect(422).problem("schema-violation");
        assert!(
            answer.body["pointers"][0]["pointer"].as_str().unwrap().contains("Parameters"),
            "{weights}: {}",
            answer.body
        );
    }
    assert_eq!(scene.house.chain.node().head().await.unwrap().number, block, "nothing was recorded");
    // A row whose signature holds, by somebody who does not operate this Back End.
    let bytes = variants::weights();
    let (id, answer) = publish(&operator, &scene.house, "score", ModelFormat::PgsCatalog, &bytes).await;
    answer.expect(201);
    assert_eq!(ask(json!(id)).await.status, 200);
    let row = scene.house.database.find_model(id["urn:uuid:".len()..].parse().unwrap()).await.unwrap().unwrap();
    let statement = health_back_end::mpai_store::models::seal::ModelStatement {
        back_end: scene.house.chain.deployment.back_end(),
        model: Uuid::now_v7(),
        digest: row.digest,
    };
    let signature = statement.sign(&key(PATIENT)).unwrap();
    let (signer, forged) = (scene.patient.user, statement.model);
    let forgery = health_back_end::db::models::ModelRow { id: forged, lineage: forged, signer, signature, ..row };
    scene.house.database.insert_model(&forgery).await.unwrap();
    ask(json!(format!("urn:uuid:{forged}"))).await.expect(500).problem("internal");
    scene.house.stop().await;
}

/// The operator's command line, on the files of a house that runs, and `hfe` against it over HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_lines_add_list_send_and_fetch() {
    use crate::items::server::Server;
    let folder = crate::environment::premises::Premises::new().await;
    let chain = crate::environment::Chain::start().await;
    let rpc = chain.devnet.url();
    let server = Server::start(&chain, &rpc, folder.path()).await;
    let (weights, graph) = (folder.path().join("score.txt"), folder.path().join("graph.onnx"));
    let [_, (_, onnx), (_, text)] = files();
    std::fs::write(&weights, &text).unwrap();
    std::fs::write(&graph, &onnx).unwrap();
    let hbe = async |arguments: &[&str]| {
        let done = Server::command(folder.path(), &[&["store"], arguments, &["--rpc-url", &rpc]].concat()).await;
        (done.status.success(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (fine, id, error) = hbe(&["add-weights", weights.to_str().unwrap()]).await;
    assert!(fine, "{error}");
    let (fine, _, error) = hbe(&["add-model", graph.to_str().unwrap(), "--name", "graph"]).await;
    assert!(fine, "{error}");
    // A damaged one is told, and leaves nothing behind.
    let before = std::fs::read_dir(folder.path().join("data/models")).unwrap().count();
    std::fs::write(&weights, &text[..text.len() - 2]).unwrap();
    let (fine, _, error) = hbe(&["add-weights", weights.to_str().unwrap()]).await;
    assert!(!fine && error.contains("ends early"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path().join("data/models")).unwrap().count(), before);
    let (_, list, _) = hbe(&["models"]).await;
    assert!(list.contains("PGS999999  version 1  PGSCatalog") && list.contains("graph  version 1  ONNX"), "{list}");
    assert_eq!(list.lines().count(), 2);

    server.end_user(PATIENT).await;
    let hfe = async |arguments: &[&str], who: usize| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hfe"));
        command.arg("model").args(arguments).args(["--url", &server.url, "--rpc", &rpc]);
        command.args(["--back-end", &server.back_end.to_string()]);
        command.env("HFE_KEY", alloy::hex::encode_prefixed(key(who).to_bytes()));
        let done = command.output().await.unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let fetched = folder.path().join("fetched.txt");
    let (fine, _, error) = hfe(&["get", id.trim(), fetched.to_str().unwrap()], PATIENT).await;
    assert!(fine, "{error}");
    assert_eq!(std::fs::read(&fetched).unwrap(), text);
    std::fs::write(&weights, &text).unwrap();
    let put = ["put", weights.to_str().unwrap(), "--name", "second", "--format", "PGSCatalog", "--parent", id.trim()];
    let (fine, _, error) = hfe(&put, PATIENT).await;
    assert!(!fine && error.contains("operator"), "{error}");
    let (fine, second, error) = hfe(&put, OPERATOR).await;
    assert!(fine, "{error}");
    let (_, list, _) = hbe(&["models"]).await;
    assert!(list.lines().next().unwrap().starts_with(second.trim()) && list.contains("second  version 2"), "{list}");
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
