//! A node that passes questions on to the real one, keeps what was asked, and answers what is sent to it as the test says.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What is answered to a transaction.
#[derive(Debug, Clone)]
pub enum Grumble {
    /// This error; the transaction goes nowhere.
    Declines(Value),
    /// This error; the transaction goes on all the same.
    TakesAndSays(Value),
}

#[derive(Clone)]
struct Shared {
    node: String,
    http: reqwest::Client,
    grumbles: Arc<Mutex<Vec<Grumble>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

pub struct Grumbler {
    pub url: String,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Grumbler {
    /// Before a node; the next transactions are answered in this order.
    pub async fn before(node: &str, grumbles: Vec<Grumble>) -> Self {
        let grumbles = Arc::new(Mutex::new(grumbles.into_iter().rev().collect()));
        let shared = Shared { node: node.to_owned(), http: reqwest::Client::new(), grumbles, asked: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, serving }
    }

    /// The questions of one kind since the last time anybody looked.
    pub fn asked(&self, method: &str) -> Vec<Value> {
        let asked = std::mem::take(&mut *self.shared.asked.lock().unwrap());
        asked.into_iter().filter(|question| question["method"] == method).collect()
    }
}

impl Drop for Grumbler {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Shared>, Json(question): Json<Value>) -> Response {
    shared.asked.lock().unwrap().push(question.clone());
    let sends = question["method"].as_str().is_some_and(|method| method.starts_with("eth_sendRawTransaction"));
    let grumble = if sends { shared.grumbles.lock().unwrap().pop() } else { None };
    let said = match grumble {
        None => pass_on(&shared, &question).await,
        Some(Grumble::Declines(error)) => json!({"jsonrpc": "2.0", "id": question["id"], "error": error}),
        Some(Grumble::TakesAndSays(error)) => {
            pass_on(&shared, &question).await;
            json!({"jsonrpc": "2.0", "id": question["id"], "error": error})
        }
    };
    Json(said).into_response()
}

async fn pass_on(shared: &Shared, question: &Value) -> Value {
    shared.http.post(&shared.node).json(question).send().await.unwrap().json().await.unwrap()
}
