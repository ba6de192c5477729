//! The house on a free port: anvil, registry, database, objects, doorkeeper, door; and clients to knock.
//!
//! It is put together here, so that a test can move its clock, its limits and its courier, and not by
//! `startup::House::build`. What it lacks of that: the watch over the chain (a doubt that a single answer noted is cleared by
//! the queue's own settling only), the watch over tasks that break down, the keeper of rounds, settling (at the start and
//! every 30 s), sweeping, vouching in advance, the devnet's keeper, the lock on the folder. What rests on one of these is
//! tested on `hbe up` in a process of its own (`items::server`).

use std::{path::Path, time::Duration};

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use health_back_end::{
    access::{Access, SigningKey},
    aims::{
        Aims, Shared,
        ai_modules::worker::{self, Worker},
        anomaly_and_risk::{
            rules::Rules,
            webhooks::{
                courier::{Courier, Pace},
                target::Targets,
            },
        },
    },
    api::{Door, Limits, serve},
    chain::operator::Operator,
    clock::Clock,
    db::Database,
    domain::ids::UserId,
    indexer::Indexer,
    licensing::{Licensing, queue::Queue, vigil::Vigil},
    mpai_store::models::shelf::Shelf,
    store::{Objects, RootKey},
};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Chain, OPERATOR,
    described::{Came, check},
    key,
    premises::Premises,
};

/// A running Back End.
pub struct House {
    pub chain: Chain,
    pub url: String,
    pub door: Door,
    pub clock: Clock,
    pub database: Database,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
    clerk: CancellationToken,
    pub premises: Premises,
}

/// Receivers of webhooks listen on this machine.
fn on_this_machine() -> Targets {
    Targets::new(vec!["127.0.0.0/8".parse().unwrap()])
}

impl House {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With other limits than usual.
    pub async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let pace = Pace {
            attempts: 4,
            first: Duration::from_millis(40),
            longest: Duration::from_millis(200),
            ..Pace::default()
        };
        Self::delivering(on_this_machine(), pace, change).await
    }

    /// With another program than ours as the child that runs AI Modules.
    pub async fn working(program: &Path) -> Self {
        Self::whole(Worker::new(program.to_owned()), on_this_machine(), Pace::default(), |_| {}).await
    }

    /// With webhooks that may point elsewhere, delivered at another pace.
    pub async fn delivering(targets: Targets, pace: Pace, change: impl FnOnce(&mut Limits)) -> Self {
        Self::whole(Worker::new(env!("CARGO_BIN_EXE_hbe").into()), targets, pace, change).await
    }

    /// With other limits of child processes than usual.
    pub async fn with_children(limits: worker::Limits) -> Self {
        let worker = Worker::with_limits(env!("CARGO_BIN_EXE_hbe").into(), limits);
        Self::whole(worker, on_this_machine(), Pace::default(), |_| {}).await
    }

    async fn whole(worker: Worker, targets: Targets, pace: Pace, change: impl FnOnce(&mut Limits)) -> Self {
        // What the house warns of is read where a test fails.
        let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_test_writer().try_init();
        let chain = Chain::start().await;
        let premises = Premises::new().await;
        let folder = premises.path();
        let clock = Clock::system();
        let database = premises.database().await;
        let licensing = licensing(&chain, &database, &clock).await;
        let clerk = CancellationToken::new();
        let vigil = licensing.vigil().clone();
        let indexer = Indexer::new(chain.node(), database.clone(), vigil, clock.clone(), chain.deployment.block);
        tokio::spawn(indexer.run(clerk.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let signing_key = SigningKey::load_or_create(&folder.join("tokens.key")).unwrap();
        let access = Access::new(licensing.clone(), database.clone(), clock.clone(), signing_key, url.parse().unwrap());
        let aims = Aims::new(Shared {
            licensing,
            database: database.clone(),
            objects: objects(folder),
            root_key: RootKey::load_or_create(&folder.join("root.key")).unwrap(),
            models: Shelf::open(&folder.join("models"), key(OPERATOR)).unwrap(),
            worker,
            rules: Rules::load().unwrap(),
            targets,
            courier: Courier::with_pace(pace),
            clock: clock.clone(),
        });
        tokio::spawn(aims.clone().deliver(clerk.clone()));
        tokio::spawn(aims.clone().keep_watch(clerk.clone()));
        let mut limits = Limits { address_rate: 0.0, user_rate: 0.0, ..Limits::default() };
        change(&mut limits);
        let door = Door::new(aims, access, limits);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move { stopped.await.unwrap_or(()) };
        let serving = tokio::spawn(serve(listener, door.clone(), shutdown));
        Self { chain, url, door, clock, database, stop, serving, clerk, premises }
    }

    /// Lets the copy of the chain's register fall behind from now on.
    pub fn stop_indexing(&self) {
        self.clerk.cancel();
    }

    /// Closes the door, waits until everybody has gone, stops the chain.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
        self.clerk.cancel();
        self.chain.devnet.stop().await;
    }

    /// Lets time pass, on the clock and on the chain. Tokens may end meanwhile: see [`Client::come_back`].
    pub async fn pass(&self, seconds: u64) {
        use alloy::providers::ext::AnvilApi;
        self.clock.shift_seconds(seconds.cast_signed());
        self.chain.provider.anvil_increase_time(seconds).await.unwrap();
        self.chain.mine(1).await;
    }

    /// Waits until the copy of the register holds everything up to now.
    pub async fn indexed(&self) {
        let head = self.chain.node().head().await.unwrap().number;
        let patience = std::time::Duration::from_secs(120);
        self.door.aims.licensing.vigil().indexed_up_to(head, patience).await.unwrap();
    }

    /// Somebody with a key, not registered.
    pub fn stranger(&self, index: usize) -> Client {
        Client {
            user: UserId::new(self.chain.deployment.back_end().chain_id(), key(index).address()),
            signer: key(index),
            token: None,
            token_id: None,
            url: self.url.clone(),
            http: reqwest::Client::new(),
        }
    }

    /// An End User, registered, with a Token for every service.
    pub async fn end_user(&self, index: usize) -> Client {
        let mut client = self.stranger(index);
        let answer = client.register(&client.person(), &ALL_SERVICES).await;
        answer.expect(201);
        client.take_token(&answer.body["RegisterData"]["Response"]["Tokens"]);
        client
    }

    /// A Third Party User of a class a registrar vouched for, with a Token.
    pub async fn third_party(&self, index: usize, class: health_back_end::domain::taxonomy::UserClass) -> Client {
        let mut client = self.stranger(index);
        client.register(&client.organisation(&class.to_string()), &ALL_SERVICES).await.expect(202);
        self.chain.vouch(client.user.address(), class).await;
        let answer = client.renew(&ALL_SERVICES).await;
        answer.expect(200);
        client.take_token(&answer.body);
        client
    }

    /// The operator of this Back End, with a Token.
    pub async fn operator(&self) -> Client {
        let mut client = self.stranger(OPERATOR);
        let answer = client.renew(&ALL_SERVICES).await;
        answer.expect(200);
        client.take_token(&answer.body);
        client
    }
}

/// On disk, or in a bucket when the whole run is asked for on it (`HBE_IT_OBJECTS=s3`, within `scripts/s3 run`).
fn objects(folder: &Path) -> Objects {
    if std::env::var("HBE_IT_OBJECTS").as_deref() == Ok("s3") {
        let bucket = std::env::var("HBE_TEST_S3_URL").expect("a bucket was asked for and is not there");
        return Objects::at(&format!("{bucket}/{}", Uuid::new_v4())).unwrap();
    }
    Objects::local(&folder.join("objects")).unwrap()
}

async fn licensing(chain: &Chain, database: &Database, clock: &Clock) -> Licensing {
    let vigil = Vigil::new();
    vigil.verify(&chain.node(), clock).await;
    let operator = Operator::start(chain.node(), key(OPERATOR)).await.unwrap();
    let (queue, _) = Queue::start(operator, database.clone(), vigil.clone());
    Licensing::new(chain.node(), queue, vigil, clock.clone()).remembering(database.clone())
}

pub const ALL_SERVICES: [&str; 8] = [
    "Store",
    "Auditing",
    "DeIDAndAnonym",
    "AIHDataProcessing",
    "LicenceChange",
    "Retrieve",
    "AnomalyAndRiskAlerting",
    "FederatedLearning",
];

/// Somebody who knocks.
#[derive(Clone)]
pub struct Client {
    pub user: UserId,
    pub signer: PrivateKeySigner,
    pub token: Option<String>,
    pub token_id: Option<String>,
    pub url: String,
    pub http: reqwest::Client,
}

/// An answer of the door.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// `Null` when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Fails unless it has this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// Fails unless it is a problem document of this kind, whole and consistent.
    #[track_caller]
    pub fn problem(&self, kind: &str) -> &Self {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.body["type"], format!("/problems/{kind}"), "{} {text}", self.status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], self.status, "{text}");
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{text}");
        assert!(self.headers.contains_key("x-request-id"));
        self
    }

    /// Fails unless the request was understood, could not be carried out, and the answer says why in such words.
    #[track_caller]
    pub fn unprocessable(&self, says: &str) -> &Self {
        let detail = self.expect(422).problem("unprocessable").body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "wanted “{says}”: {detail}");
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request and reads the whole answer.
pub async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap().to_vec();
    check(&Came { method: &method, path: url.path(), status, headers: &headers, bytes: &bytes });
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status, headers, bytes, body }
}

/// On a busy machine the copy of the register may be behind for a while; who audits then asks again, as anybody would.
///
/// A test that means to see `index-behind` asks by [`send`]: through [`Client::get`] and [`Client::post`] it would wait for
/// a hundred seconds first.
async fn patiently(path: &str, ask: impl AsyncFn() -> Answer) -> Answer {
    const MOST_TIMES: usize = 10;
    for _ in 0..MOST_TIMES {
        let answer = ask().await;
        if !path.starts_with("/v1/audit") || answer.body["type"] != "/problems/index-behind" {
            return answer;
        }
    }
    ask().await
}

impl Client {
    /// A request with the client's Token, if it has one.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        patiently(path, async || send(self.request(Method::GET, path)).await).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        patiently(path, async || send(self.request(Method::POST, path).json(body)).await).await
    }

    /// The client's items, as far as one page lists them.
    pub async fn items(&self) -> Vec<Value> {
        let listed = self.get("/v1/aih-data?limit=200").await;
        listed.expect(200).body["AIHData"].as_array().unwrap().clone()
    }

    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }

    /// The text of a new challenge.
    pub async fn challenge(&self) -> String {
        let answer = self.post("/v1/register/challenge", &json!({"UserID": self.user.to_string()})).await;
        answer.expect(200);
        answer.body["Message"].as_str().unwrap().to_owned()
    }

    /// The proof of a challenge, by this client's key.
    pub fn sign(&self, message: &str) -> Value {
        let signature = self.signer.sign_message_sync(message.as_bytes()).unwrap();
        json!({"Message": message, "Signature": format!("0x{}", alloy::hex::encode(signature.as_bytes()))})
    }

    pub async fn proof(&self) -> Value {
        self.sign(&self.challenge().await)
    }

    pub fn person(&self) -> Value {
        json!({"IfHuman": {"Name": "Testa", "Surname": "Exampleperson", "UserType": "End User"}})
    }

    pub fn organisation(&self, class: &str) -> Value {
        json!({"IfOrganisation": {"Name": "Example Institute", "Code": "EX 1", "Country": "IT", "Type": class}})
    }

    /// A Register message of this client with a proof.
    pub fn register_message(&self, profile: &Value, services: &[&str], proof: Value) -> Value {
        json!({
            "Header": "AIH-REG-V1.0",
            "RegisterID": urn(),
            "RegisterTime": "2026-03-01T09:00:00Z",
            "RegisterData": {"Request": {
                "UserProfile": {
                    "Header": "AIH-UPR-V1.0",
                    "UserProfileID": urn(),
                    "UserProfileTime": "2026-03-01T09:00:00Z",
                    "UserID": self.user.to_string(),
                    "UserProfileData": profile,
                },
                "RequestedServices": services,
                "Proof": proof,
            }},
        })
    }

    pub async fn register(&self, profile: &Value, services: &[&str]) -> Answer {
        let message = self.register_message(profile, services, self.proof().await);
        self.post("/v1/register", &message).await
    }

    pub fn tokens_message(&self, services: &[&str], proof: Value) -> Value {
        json!({
            "Header": "AIH-TKN-V1.0",
            "UserID": self.user.to_string(),
            "TokensID": urn(),
            "TokensTime": "2026-03-01T09:00:00Z",
            "Tokens": [{"ServiceTypes": services}],
            "Proof": proof,
        })
    }

    pub async fn renew(&self, services: &[&str]) -> Answer {
        self.post("/v1/tokens", &self.tokens_message(services, self.proof().await)).await
    }

    /// Takes a new Token.
    pub async fn come_back(&mut self) {
        let answer = self.renew(&ALL_SERVICES).await;
        self.take_token(&answer.expect(200).body);
    }

    /// Uses the first of these Tokens from now on.
    pub fn take_token(&mut self, tokens: &Value) {
        let token = &tokens["Tokens"][0];
        self.token = Some(token["Token"].as_str().unwrap().to_owned());
        self.token_id = Some(token["TokenID"].as_str().unwrap().to_owned());
    }
}

/// A new `urn:uuid:`.
pub fn urn() -> String {
    format!("urn:uuid:{}", Uuid::now_v7())
}
