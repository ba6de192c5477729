//! What stands between a Front End and a Back End and hands out other models than it got.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// Answers as the Back End does, but for models.
pub struct Liar {
    pub url: String,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Lies {
    back_end: String,
    fields: Vec<(String, Value)>,
    bytes: Option<Vec<u8>>,
    http: reqwest::Client,
}

impl Liar {
    /// Fields of the Qualifier that are told otherwise, and other bytes.
    pub async fn start(back_end: &str, fields: Vec<(&str, Value)>, bytes: Option<Vec<u8>>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let lies = Lies { back_end: back_end.to_owned(), fields, bytes, http: reqwest::Client::new() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(relay).with_state(lies);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, serving }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn relay(State(lies): State<Lies>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let mut asked = lies.http.request(parts.method, format!("{}{path}", lies.back_end));
    for name in ["authorization", "content-type"] {
        if let Some(value) = parts.headers.get(name) {
            asked = asked.header(name, value);
        }
    }
    let answer = asked.body(to_bytes(body, 1 << 20).await.unwrap()).send().await.unwrap();
    let status = answer.status();
    let mut bytes = answer.bytes().await.unwrap().to_vec();
    if path.ends_with("/data") {
        bytes = lies.bytes.unwrap_or(bytes);
    } else if path.starts_with("/v1/store/models/") {
        let mut message: Value = serde_json::from_slice(&bytes).unwrap();
        for (name, value) in lies.fields {
            message["MLModelQualifier"][name] = value;
        }
        bytes = message.to_string().into_bytes();
    }
    Response::builder().status(status).header("content-type", "application/json").body(Body::from(bytes)).unwrap()
}
