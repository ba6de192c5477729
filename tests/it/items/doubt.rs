//! Doubt about the chain: nothing is permitted, the problem is named, and when the doubt is gone the house goes on
//! without a restart.

use std::time::{Duration, Instant};

use alloy::{
    primitives::{Bytes, U64},
    providers::{DynProvider, Provider, ext::AnvilApi},
};
use health_back_end::{
    chain::{
        deploy::{Roles, deploy},
        node::connect,
    },
    clock::Clock,
    config::anvil::AnvilConfig,
    domain::taxonomy::UserClass,
    startup::devnet::{Devnet, binary},
};
use serde_json::{Value, json};

use super::{
    paper::{self, PARAMETERS, Parcel, process, request, result_item},
    relay::Relay,
    server::{Server, until},
};
use crate::environment::{
    ADMIN, Chain, INSTITUTE, OPERATOR, PATIENT, REGISTRAR,
    house::{Answer, Client, urn},
    key, passing,
    premises::Premises,
};

/// An answer may take the gate's twenty seconds, and a little.
const DEADLINE: Duration = Duration::from_secs(40);

struct Scene {
    chain: Chain,
    relay: Relay,
    server: Server,
    patient: Client,
    institute: Client,
    parcel: Parcel,
    _folder: Premises,
}

fn place(chain: &Chain) -> String {
    chain.devnet.url().trim_start_matches("http://").to_owned()
}

impl Scene {
    async fn new() -> Self {
        let chain = Chain::start().await;
        let relay = Relay::to(&place(&chain)).await;
        let folder = Premises::new().await;
        let server = Server::start(&chain, &relay.ws_url(), folder.path()).await;
        let patient = server.end_user(PATIENT).await;
        let institute = server.third_party(&chain, INSTITUTE, UserClass::NonProfitEntity).await;
        let parcel = paper::parcel(&patient, &server.back_end, &paper::ecg());
        parcel.send_in_parts(&patient).await.expect(201);
        Self { chain, relay, server, patient, institute, parcel, _folder: folder }
    }

    fn ask(&self) -> Value {
        request(&self.institute, self.parcel.id, PARAMETERS, "Research")
    }

    async fn dry_run(&self) -> Answer {
        let now = health_back_end::domain::window::rfc3339(Clock::system().seconds());
        let question = json!({
            "Header": "AIH-LCF-V1.0", "LicenceConfirmID": urn(), "LicenceConfirmTime": "2026-03-01T09:00:00Z",
            "LicenceConfirm": {"Request": {
                "AIHDataID": self.parcel.id, "ProcessType": PARAMETERS, "Time": now, "Usage": "Research",
            }},
        });
        self.institute.post("/v1/licence-confirm", &question).await
    }

    /// Waits until the doubt is named, and sees that then nothing works that needs the chain.
    async fn refuses(&self, words: &str) {
        until(words, async || {
            let answer = self.dry_run().await;
            let detail = answer.body["detail"].as_str().unwrap_or_default().to_owned();
            (answer.status == 503 && detail.contains(words)).then_some(())
        })
        .await;
        let another = paper::parcel(&self.patient, &self.server.back_end, &paper::ecg());
        for answer in [
            process(&self.institute, &self.ask()).await,
            self.patient.get(&format!("{}/payload", self.parcel.path())).await,
            another.send_in_parts(&self.patient).await,
            self.patient.get("/readyz").await,
        ] {
            answer.expect(503).problem("chain-unavailable");
            assert!(answer.body["detail"].as_str().unwrap().contains(words), "{}", answer.body);
        }
        self.patient.get("/livez").await.expect(200);
    }

    async fn recovers(&self) {
        until("it recovers", async || (self.dry_run().await.status == 200).then_some(())).await;
        // A question of the time before may still fail, and be doubted until the next verification.
        until("it works again", async || {
            let asked = process(&self.institute, &self.ask()).await;
            (asked.status == 200 && self.patient.get("/readyz").await.status == 200).then_some(())
        })
        .await;
    }

    async fn end(self) {
        assert_eq!(self.server.terminate().await, Some(0));
        self.chain.devnet.stop().await;
    }
}

/// Most of their time they wait: for a deadline, or for the next of the verifications, five seconds apart. So they run
/// side by side, each with its own chain and Back End.
#[tokio::test]
async fn a_chain_that_is_away_another_changed_or_ahead_of_time_is_refused_by_name() {
    tokio::join!(
        a_chain_that_goes_away_during_a_request_permits_nothing_and_may_come_back(),
        another_chain_at_the_url_is_refused_by_name(),
        other_code_at_the_registrys_address_is_refused_by_name(),
        a_chain_whose_clock_is_wrong_is_refused_by_name(),
    );
}

async fn a_chain_that_goes_away_during_a_request_permits_nothing_and_may_come_back() {
    let scene = Scene::new().await;
    let executed = scene.chain.node().head().await.unwrap().number;
    // While the chain mines nothing, a request waits for its answer; then the line is cut.
    scene.chain.provider.anvil_set_auto_mine(false).await.unwrap();
    let message = scene.ask();
    let begun = Instant::now();
    let waiting = async {
        let answer = scene.institute.post("/v1/aih-data-process", &message).await;
        (answer, begun.elapsed())
    };
    let cutting = async {
        let pending = scene.chain.provider.clone();
        until("it is sent", async || (pending.txpool_count().await > 0).then_some(())).await;
        scene.relay.cut();
    };
    let ((answer, took), ()) = tokio::join!(waiting, cutting);
    answer.expect(503).problem("chain-unavailable");
    assert!(!answer.header("retry-after").is_empty());
    assert!(took < DEADLINE, "{took:?}");
    println!("refused {took:.1?} after it was asked");
    scene.refuses("the chain does not answer").await;
    assert_eq!(scene.chain.node().head().await.unwrap().number, executed);

    // Mined meanwhile, it is a yes that nobody waited for. The same message asks again.
    scene.chain.provider.anvil_set_auto_mine(true).await.unwrap();
    scene.chain.provider.evm_mine(None).await.unwrap();
    scene.relay.lead_to(&place(&scene.chain));
    scene.recovers().await;
    let again = process(&scene.institute, &message).await;
    assert!(result_item(again.expect(200))["AIHDataID"].is_string());
    assert_eq!(again.body["AIHDataProcessID"], message["AIHDataProcessID"]);
    scene.end().await;
}

async fn another_chain_at_the_url_is_refused_by_name() {
    let scene = Scene::new().await;
    let folder = tempfile::tempdir().unwrap();
    let config = AnvilConfig { chain_id: 31338, ..passing(folder.path()) };
    let other = Chain::with(&config, folder.path()).await;
    scene.relay.lead_to(&place(&other));
    scene.refuses("another chain").await;
    scene.relay.lead_to(&place(&scene.chain));
    scene.recovers().await;
    other.devnet.stop().await;
    scene.end().await;
}

async fn other_code_at_the_registrys_address_is_refused_by_name() {
    let scene = Scene::new().await;
    let registry = scene.chain.deployment.registry;
    let provider = &scene.chain.provider;
    let code = provider.get_code_at(registry).await.unwrap();
    // Says yes to everything: 32 bytes, whatever it is asked.
    let yes: Bytes = "0x60206000f3".parse().unwrap();
    provider.anvil_set_code(registry, yes).await.unwrap();
    // Not even before it is noticed is anything permitted: no answer is recorded.
    process(&scene.institute, &scene.ask()).await.expect(503).problem("chain-unavailable");
    scene.refuses("the code at the registry").await;
    provider.anvil_set_code(registry, code).await.unwrap();
    scene.recovers().await;
    scene.end().await;
}

async fn a_chain_whose_clock_is_wrong_is_refused_by_name() {
    let scene = Scene::new().await;
    let provider = &scene.chain.provider;
    let _: i64 = provider.raw_request("evm_increaseTime".into(), (U64::from(120),)).await.unwrap();
    // The next block stands two minutes ahead: its answer counts for nothing,
    let answer = process(&scene.institute, &scene.ask()).await;
    answer.expect(503).problem("chain-unavailable");
    assert!(answer.body["detail"].as_str().unwrap().contains("clock"), "{}", answer.body);
    // and soon nothing is asked any more.
    scene.refuses("clock").await;
    set_time(provider, Clock::system().seconds()).await;
    provider.evm_mine(None).await.unwrap();
    scene.recovers().await;
    scene.end().await;
}

/// The watch looks every five seconds. What is asked in between goes to whatever is at the URL: a chain of the same id that
/// knows nothing of the registry, or has the very same registry and none of its licences. Neither can permit anything: the
/// one records nothing, and the other is asked by a transaction whose nonce it has not come to.
#[tokio::test]
async fn a_reset_chain_permits_nothing_before_it_is_noticed_either() {
    tokio::join!(before_it_is_noticed(false), before_it_is_noticed(true));
}

async fn before_it_is_noticed(with_registry: bool) {
    let scene = Scene::new().await;
    let payload = format!("{}/payload", scene.parcel.path());
    process(&scene.institute, &scene.ask()).await.expect(200);
    scene.patient.get(&payload).await.expect(200);
    let folder = tempfile::tempdir().unwrap();
    let config = passing(folder.path());
    let reset = Devnet::start(&binary(std::path::Path::new(".")), &config, folder.path()).await.unwrap();
    if with_registry {
        let roles = Roles {
            admin: key(ADMIN),
            operators: vec![key(OPERATOR).address()],
            registrars: vec![key(REGISTRAR).address()],
            admin_delay_seconds: 0,
        };
        let same = deploy(&connect(&reset.url()).await.unwrap(), &roles).await.unwrap();
        assert_eq!(same.registry, scene.chain.deployment.registry);
    }
    let message = scene.ask();
    scene.relay.lead_to(reset.url().trim_start_matches("http://"));
    // At once: nobody has looked yet.
    let (asked, read, dry) =
        tokio::join!(process(&scene.institute, &message), scene.patient.get(&payload), scene.dry_run(),);
    for answer in [&asked, &read] {
        println!("with the registry: {with_registry}: {} {}", answer.status, answer.body["detail"]);
        assert!([403, 404, 503].contains(&answer.status), "{}", answer.body);
        assert!(answer.body.get("AIHDataProcessID").is_none());
    }
    assert_ne!(dry.body["LicenceConfirm"]["Response"]["Status"], true, "{}", dry.body);
    scene.relay.lead_to(&place(&scene.chain));
    scene.recovers().await;
    // Nothing was begun then: now it is, under an answer that the right chain holds.
    process(&scene.institute, &message).await.expect(200);
    reset.stop().await;
    scene.end().await;
}

async fn set_time(provider: &DynProvider, seconds: u64) {
    let _: Value = provider.raw_request("anvil_setTime".into(), (seconds,)).await.unwrap();
}

/// How many transactions wait for a block.
pub trait Pool {
    async fn txpool_count(&self) -> u64;
}

impl Pool for DynProvider {
    async fn txpool_count(&self) -> u64 {
        let status: Value = self.raw_request("txpool_status".into(), ()).await.unwrap();
        let number =
            |name: &str| u64::from_str_radix(status[name].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        number("pending") + number("queued")
    }
}
