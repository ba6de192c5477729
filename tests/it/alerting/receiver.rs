//! The other end of a webhook: answers as it is told, and keeps what it was sent.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use health_back_end::{
    aims::anomaly_and_risk::webhooks::signature::{Received, Secret, SignatureError},
    clock::Clock,
    schema::{ResourceType, validate_resource},
};
use serde_json::Value;
use tokio::net::TcpListener;

/// A message as it came in.
#[derive(Debug, Clone)]
pub struct Letter {
    pub headers: HeaderMap,
    pub body: String,
}

impl Letter {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn verify(&self, secret: &str) -> Result<(), SignatureError> {
        let headers = Received {
            id: self.header("webhook-id"),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
        };
        Secret::parse(secret).unwrap().verify(&headers, &self.body, Clock::system().seconds())
    }
}

#[derive(Default)]
struct Inbox {
    /// Answers to come; 204 when there are none left.
    script: Vec<u16>,
    letters: Vec<Letter>,
}

/// A receiver on this machine.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inbox: Arc<Mutex<Inbox>>,
}

impl Receiver {
    /// One that answers so, in this order, and 204 from then on.
    pub async fn answering(script: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, script)
    }

    fn on(listener: TcpListener, script: &[u16]) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let mut script = script.to_vec();
        script.reverse();
        let inbox = Arc::new(Mutex::new(Inbox { script, letters: Vec::new() }));
        let router = Router::new()
            .route("/hook", post(take))
            .route("/elsewhere", post(take))
            .with_state((inbox.clone(), url.replace("/hook", "/elsewhere")));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inbox }
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.inbox.lock().unwrap().letters.clone()
    }

    /// Waits for so many messages.
    pub async fn received(&self, count: usize) -> Vec<Letter> {
        super::until("messages arrived", async || Some(self.letters()).filter(|all| all.len() >= count)).await
    }
}

async fn take(
    State((inbox, elsewhere)): State<(Arc<Mutex<Inbox>>, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    // Whatever any test is sent is what the schema of such bodies says.
    let document: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(validate_resource(ResourceType::CloudEvent, &document), Ok(()), "{body}");
    let mut inbox = inbox.lock().unwrap();
    inbox.letters.push(Letter { headers, body });
    let status = StatusCode::from_u16(inbox.script.pop().unwrap_or(204)).unwrap();
    (status, [(header::LOCATION, elsewhere)]).into_response()
}
