//! The life of a licence while it is used: withdrawn, changed and expired in the middle of things, with the Back End's
//! help and without it.

use std::time::{Duration, Instant};

use alloy::{
    network::EthereumWallet,
    primitives::Bytes,
    providers::{DynProvider, Provider, ProviderBuilder, ext::AnvilApi},
};
use health_back_end::{
    chain::bindings::LicenceRegistry,
    db::{model_licences::ModelLicenceState, revocations::RevocationScope},
    domain::{
        ids::{AihDataId, LicenceId},
        taxonomy::UserClass,
    },
    front_end::paperwork,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    caught::{is_alive, within},
    paper::{self, PARAMETERS, Parcel, STATE, follow, licence_in, process, reasons, request, result_item, withdraw},
    restart::{catch, catch_with},
    server::{Server, until},
};
use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    house::{Client, send, urn},
    key,
    premises::Premises,
    scene::Scene,
};

/// What the issue allows between the block and the end of a job.
const AT_MOST: Duration = Duration::from_secs(2);

/// The End User withdraws without the Back End, by a transaction of their own.
async fn withdraw_directly(chain: &Chain, item: AihDataId) {
    let wallet = EthereumWallet::from(key(PATIENT));
    let provider: DynProvider = ProviderBuilder::new().wallet(wallet).connect_provider(chain.provider.clone()).erased();
    let registry = LicenceRegistry::new(chain.deployment.registry, provider);
    let sent = registry.revoke(item.hash(), Bytes::new()).send().await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
}

/// Another licence of the same item: the same but for what it licenses, as the End User signs it.
fn change(
    client: &Client,
    back_end: &health_back_end::domain::ids::BackEndId,
    item: AihDataId,
    sequence: u64,
) -> Value {
    let mut wish = paper::wish(item);
    wish.processes = vec![PARAMETERS.to_owned()];
    let document = paperwork::write(&wish, &client.user, back_end);
    let signature = paperwork::sign(&document, back_end, sequence, &client.signer).unwrap();
    json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": urn(), "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": item, "ModelLicence": document, "ModelLicenceSignature": signature, "Sequence": sequence,
        }},
    })
}

async fn put(client: &Client, licence: LicenceId, body: &Value) -> crate::environment::house::Answer {
    send(client.request(Method::PUT, &format!("/v1/licences/{licence}")).json(body)).await
}

#[tokio::test]
async fn a_running_job_stops_within_two_seconds_of_the_block() {
    for way in ["withdrawn by the Back End", "withdrawn on chain", "changed"] {
        let what = format!("{way}: the running job was stopped, its block included,");
        within(AT_MOST, &what, async || stopped_after(way).await).await;
    }
}

/// How long it takes from asking for the end of a licence until what runs under it is gone.
async fn stopped_after(way: &str) -> Duration {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
    let item = caught.parcel.id;
    assert!(is_alive(caught.child));
    // Counted from before the transaction is sent, so its block included.
    let begun = Instant::now();
    match way {
        "withdrawn by the Back End" => withdraw(&patient, &server.back_end, item, caught.licence).await,
        "withdrawn on chain" => withdraw_directly(&chain, item).await,
        // The new licence permits the very same to the very same; it is another one all the same.
        _ => drop(put(&patient, caught.licence, &change(&patient, &server.back_end, item, 1)).await.expect(200)),
    }
    until("its child is gone", async || (!is_alive(caught.child)).then_some(())).await;
    let stopped = begun.elapsed();
    let answer = follow(&institute, institute.get(&caught.place).await).await;
    answer.expect(403).problem("licence-denied");
    assert_eq!(reasons(&answer), ["Revoked"], "{way}");
    assert_eq!(patient.items().await.len(), caught.items, "nothing was made of it");
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
    stopped
}

/// An uploaded recording, its licence, and a result the institute made of it with the place it was answered from.
async fn used(scene: &Scene) -> (Parcel, LicenceId, AihDataId, String) {
    let back_end = scene.back_end();
    let parcel = paper::parcel(&scene.patient, &back_end, &paper::ecg());
    used_parcel(scene, parcel).await
}

async fn used_parcel(scene: &Scene, parcel: Parcel) -> (Parcel, LicenceId, AihDataId, String) {
    let licence = licence_in(&parcel.send_in_parts(&scene.patient).await.expect(201).body);
    let message = request(&scene.institute, parcel.id, PARAMETERS, "Research");
    let later = scene.institute.request(Method::POST, "/v1/aih-data-process").header("prefer", "respond-async");
    let told = send(later.json(&message)).await;
    let place = told.expect(202).header("location").to_owned();
    let done = follow(&scene.institute, told).await;
    let result = result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap();
    (parcel, licence, result, place)
}

async fn notices(scene: &Scene, client: &Client, kind: &str) -> Vec<Value> {
    let notices = scene.house.database.list_notices(client.user, 0, 1_000).await.unwrap();
    notices.into_iter().filter(|notice| notice.kind == kind).map(|notice| notice.data).collect()
}

/// How the chain answers the institute about an item now, be there a module for it or not.
async fn asked(scene: &Scene, item: AihDataId) -> Vec<String> {
    let question = health_back_end::licensing::confirm::Question {
        item,
        requester: scene.institute.user.address(),
        operation: health_back_end::domain::operation::Operation::PhysiologicalParameterQuantification,
        usage: health_back_end::domain::taxonomy::Usage::Research,
        at: scene.house.clock.seconds(),
        confirm_id: rand::random(),
    };
    let verdict = scene.house.door.aims.licensing.check(&question).await.unwrap();
    verdict.reasons().map(|term| term.to_string()).collect()
}

#[tokio::test]
async fn a_change_fells_what_was_made_under_the_old_terms_and_tells_who_holds_it() {
    let scene = Scene::set().await;
    let back_end = scene.house.chain.deployment.back_end();
    let (parcel, first, result, place) = used(&scene).await;
    let clinic = scene.house.third_party(5, UserClass::ClinicalEntity).await;
    let _ = process(&clinic, &request(&clinic, parcel.id, PARAMETERS, "Research")).await;
    let body = change(&scene.patient, &back_end, parcel.id, 1);
    let second: LicenceId = put(&scene.patient, first, &body).await.expect(200).body["BlockchainLicence"]["Response"]
        ["BlockchainLicenceID"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    scene.house.indexed().await;

    // The item goes on under the new terms; the result is not handed out again, nor used by anybody but the End User.
    let (root, derived) = (scene.row(parcel.id).await, scene.row(result).await);
    assert_eq!((root.licence, root.fallen_at_us), (Some(second.address()), None));
    assert!(derived.fallen_at_us.is_some());
    let again = scene.institute.get(&place).await;
    assert_eq!(reasons(again.expect(403)), ["Revoked"]);
    assert_eq!(asked(&scene, result).await, ["Revoked"]);
    assert!(!scene.house.chain.node().stands(derived.licence.unwrap()).await.unwrap());
    scene.patient.get(&format!("/v1/aih-data/{result}/payload")).await.expect(200);
    process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await.expect(200);
    let denied = process(&scene.institute, &request(&scene.institute, parcel.id, STATE, "Research")).await;
    assert_eq!(reasons(denied.expect(403)), ["Process"]);

    // Whoever used it is told; whoever was refused is not.
    let told = notices(&scene, &scene.institute, "licence.changed").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["AIHDataID"], &told[0]["LicenceID"]), (&json!(parcel.id), &json!(second)));
    assert_eq!(notices(&scene, &clinic, "licence.changed").await, Vec::<Value>::new());
    assert_eq!(notices(&scene, &scene.patient, "licence.changed").await.len(), 1);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_withdrawal_on_chain_alone_is_noticed_and_kept() {
    let scene = Scene::set().await;
    let (parcel, licence, result, place) = used(&scene).await;
    withdraw_directly(&scene.house.chain, parcel.id).await;
    scene.house.indexed().await;
    let kept = scene.house.database.find_model_licence(licence.address()).await.unwrap().unwrap();
    assert_eq!(kept.state, ModelLicenceState::Revoked);
    let withdrawals = scene.house.database.list_revocations_of(licence.address()).await.unwrap();
    assert_eq!((withdrawals[0].scope, withdrawals[0].signature.clone()), (RevocationScope::Licence, None));
    assert_eq!(withdrawals[0].revoked_by, scene.patient.user.address());
    assert!(scene.row(parcel.id).await.fallen_at_us.is_some() && scene.row(result).await.fallen_at_us.is_some());
    assert_eq!(asked(&scene, parcel.id).await, ["Revoked"]);
    assert_eq!(reasons(scene.institute.get(&place).await.expect(403)), ["Revoked"]);
    assert_eq!(notices(&scene, &scene.institute, "licence.revoked").await.len(), 1);
    // Withdrawn again through the door, it is found withdrawn, and the signature is kept for a chain that is restored.
    withdraw(&scene.patient, &scene.house.chain.deployment.back_end(), parcel.id, licence).await;
    let withdrawals = scene.house.database.list_revocations_of(licence.address()).await.unwrap();
    assert!(withdrawals.len() == 1 && withdrawals[0].signature.is_some());
    scene.house.stop().await;
}

#[tokio::test]
async fn a_withdrawal_relayed_by_somebody_else_is_kept_with_its_signature() {
    let scene = Scene::set().await;
    let (parcel, licence, ..) = used(&scene).await;
    let chain = &scene.house.chain;
    let signature = chain.sign_withdrawal(parcel.id, licence.address());
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(key(5))).connect_provider(chain.provider.clone());
    let registry = LicenceRegistry::new(chain.deployment.registry, provider);
    let sent = registry.revoke(parcel.id.hash(), signature.clone().into()).send().await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
    scene.house.indexed().await;
    let withdrawals = scene.house.database.list_revocations_of(licence.address()).await.unwrap();
    assert_eq!(withdrawals[0].signature, Some(signature.into()));
    scene.house.stop().await;
}

/// A licence that ends soon, and the chain's clock moved past its end: less than a doubt about clocks.
const SHORT_SECONDS: u64 = 25;
const BEYOND_SECONDS: u64 = 27;

fn short(
    client: &Client,
    back_end: &health_back_end::domain::ids::BackEndId,
    recording: &health_back_end::front_end::recording::Recording,
) -> Parcel {
    let id = paper::new_item();
    let mut wish = paper::wish(id);
    wish.end = health_back_end::clock::Clock::system().seconds() + SHORT_SECONDS;
    paper::sealed(client, back_end, id, paperwork::write(&wish, &client.user, back_end), recording)
}

async fn let_time_pass(chain: &Chain) {
    chain.provider.anvil_increase_time(BEYOND_SECONDS).await.unwrap();
    chain.provider.evm_mine(None).await.unwrap();
}

#[tokio::test]
async fn what_has_expired_is_neither_permitted_nor_handed_out_again() {
    let scene = Scene::set().await;
    let back_end = scene.house.chain.deployment.back_end();
    let (parcel, _, result, place) = used_parcel(&scene, short(&scene.patient, &back_end, &paper::ecg())).await;
    // A key that gives first answers again gives no result again.
    let message = request(&scene.institute, parcel.id, PARAMETERS, "Research");
    let keyed = scene.institute.post_once("/v1/aih-data-process", "a key", &message).await;
    follow(&scene.institute, keyed).await.expect(200);
    scene.institute.get(&place).await.expect(200);
    let_time_pass(&scene.house.chain).await;
    let redelivered = scene.institute.get(&place).await;
    assert_eq!(reasons(redelivered.expect(403).problem("licence-denied")), ["Expired"]);
    let keyed = scene.institute.post_once("/v1/aih-data-process", "a key", &message).await;
    assert_eq!(reasons(keyed.expect(403).problem("licence-denied")), ["Expired"]);
    assert_eq!(asked(&scene, parcel.id).await, ["Expired"]);
    assert_eq!(asked(&scene, result).await, ["Expired"]);
    scene.house.stop().await;
}

#[tokio::test]
async fn what_has_expired_is_read_by_nobody_but_its_end_user() {
    let scene = Scene::set().await;
    let back_end = scene.house.chain.deployment.back_end();
    let id = paper::new_item();
    let mut wish = paper::wish(id);
    wish.processes.push("Retrieve".to_owned());
    wish.end = scene.house.clock.seconds() + SHORT_SECONDS;
    let document = paperwork::write(&wish, &scene.patient.user, &back_end);
    let parcel = paper::sealed(&scene.patient, &back_end, id, document, &paper::ecg());
    let (_, _, result, _) = used_parcel(&scene, parcel).await;
    let read = async |client: &Client, item| client.get(&format!("/v1/aih-data/{item}/payload?usage=Research")).await;
    for item in [id, result] {
        read(&scene.institute, item).await.expect(200);
    }
    let_time_pass(&scene.house.chain).await;
    // The item itself, what derives from it, and a request asked anew: each answer is recorded.
    for item in [id, result] {
        assert_eq!(reasons(read(&scene.institute, item).await.expect(403).problem("licence-denied")), ["Expired"]);
    }
    let asked = process(&scene.institute, &request(&scene.institute, id, PARAMETERS, "Research")).await;
    assert_eq!(reasons(asked.expect(403).problem("licence-denied")), ["Expired"]);
    assert!(asked.body["evidence"]["BlockHash"].is_string(), "{}", asked.body);
    for item in [id, result] {
        read(&scene.patient, item).await.expect(200);
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn a_long_job_that_outlives_its_licence_is_withheld() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    let caught = catch_with(&chain, &server, short).await;
    let_time_pass(&chain).await;
    rustix::process::kill_process(caught.child, rustix::process::Signal::CONT).unwrap();
    let institute = server.again(INSTITUTE).await;
    let answer = follow(&institute, institute.get(&caught.place).await).await;
    assert_eq!(reasons(answer.expect(403).problem("licence-denied")), ["Expired"]);
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_permit_for_what_fell_meanwhile_opens_nothing() {
    use health_back_end::{
        aims::{AimError, retrieval::Span},
        licensing::{
            confirm::{Answer, Question},
            permit::Purpose,
        },
    };
    let scene = Scene::set().await;
    let (parcel, licence, ..) = used(&scene).await;
    let operation = health_back_end::domain::operation::Operation::PhysiologicalParameterQuantification;
    let (aims, requester) = (&scene.house.door.aims, scene.institute.user.address());
    let asked = Question {
        item: parcel.id,
        requester,
        operation,
        usage: health_back_end::domain::taxonomy::Usage::Research,
        at: scene.house.clock.seconds(),
        confirm_id: rand::random(),
    };
    let Answer::Permitted(permit) = aims.licensing.confirm(&asked).await.unwrap() else { panic!("denied") };
    withdraw(&scene.patient, &scene.house.chain.deployment.back_end(), parcel.id, licence).await;
    scene.house.indexed().await;
    let purpose = Purpose { item: parcel.id, operation, requester };
    let warrant = permit.spend(&purpose, scene.house.clock.seconds()).unwrap();
    assert!(matches!(aims.open(&warrant, Span::Whole).await, Err(AimError::Withheld(_))));
    scene.house.stop().await;
}
