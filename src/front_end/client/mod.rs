//! The HTTP side of a Front End: who one is, and messages. `payloads` carries bytes besides.

mod error;
mod payloads;

use std::{path::Path, time::Duration};

use alloy::signers::{SignerSync, local::PrivateKeySigner};
pub use error::ClientError;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{
        ids::{BackEndId, UserId},
        window,
    },
};

/// How often a request that is told to wait is sent again.
const MOST_WAITS: u32 = 20;
/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// How often a job is looked at.
const JOB_INTERVAL: Duration = Duration::from_millis(200);

/// What a Back End says of itself when it stands, as `hbe up --ready-file` writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Address {
    /// Base URL.
    #[serde(rename = "URL")]
    pub url: String,
    /// Back End ID.
    #[serde(rename = "BackEndID")]
    pub back_end: BackEndId,
    /// A node of its chain.
    #[serde(rename = "RPC")]
    pub rpc: String,
}

impl Address {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let bytes = std::fs::read(path)?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::File(error.into()))
    }
}

/// A user at a Back End.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    back_end: BackEndId,
    key: PrivateKeySigner,
    token: Option<String>,
}

impl Client {
    /// A user with a key; registered or not.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(address: &Address, key: PrivateKeySigner) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().timeout(ANSWER_TIME).build()?;
        let url = address.url.trim_end_matches('/').to_owned();
        Ok(Self { http, url, back_end: address.back_end, key, token: None })
    }

    /// The user's account.
    pub fn user(&self) -> UserId {
        UserId::new(self.back_end.chain_id(), self.key.address())
    }

    /// The key.
    pub fn key(&self) -> &PrivateKeySigner {
        &self.key
    }

    /// The Back End this user is a user of.
    pub fn back_end(&self) -> &BackEndId {
        &self.back_end
    }

    /// Proof of holding the account: a challenge, signed.
    async fn proof(&self) -> Result<Value, ClientError> {
        let body = json!({ "UserID": self.user() });
        let challenge = self.send(self.request(Method::POST, "/v1/register/challenge").json(&body)).await?;
        let message = challenge.get("Message").and_then(Value::as_str).ok_or(ClientError::Lacks("the challenge"))?;
        let signature = self.key.sign_message_sync(message.as_bytes())?;
        Ok(
            json!({ "Message": message, "Signature": format!("0x{}", alloy::primitives::hex::encode(signature.as_bytes())) }),
        )
    }

    /// Registers with a profile for services, and keeps the token that comes back.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn register(&mut self, profile: Value, services: &[&str]) -> Result<Value, ClientError> {
        let body = json!({
            "Header": "AIH-REG-V1.0",
            "RegisterID": new_id(),
            "RegisterTime": now(),
            "RegisterData": { "Request": {
                "UserProfile": {
                    "Header": "AIH-UPR-V1.0",
                    "UserProfileID": new_id(),
                    "UserProfileTime": now(),
                    "UserID": self.user(),
                    "UserProfileData": profile,
                },
                "RequestedServices": services,
                "Proof": self.proof().await?,
            } },
        });
        let answer = self.send(self.request(Method::POST, "/v1/register").json(&body)).await?;
        self.token =
            answer.pointer("/RegisterData/Response/Tokens/Tokens/0/Token").and_then(Value::as_str).map(str::to_owned);
        Ok(answer)
    }

    /// Asks for a token, as a registered user or an operator does who comes back.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn log_in(&mut self, services: &[&str]) -> Result<(), ClientError> {
        let body = json!({
            "Header": "AIH-TKN-V1.0",
            "UserID": self.user(),
            "TokensID": new_id(),
            "TokensTime": now(),
            "Tokens": [{ "ServiceTypes": services }],
            "Proof": self.proof().await?,
        });
        let answer = self.send(self.request(Method::POST, "/v1/tokens").json(&body)).await?;
        let token = answer.pointer("/Tokens/0/Token").and_then(Value::as_str);
        self.token = Some(token.ok_or(ClientError::Lacks("a token"))?.to_owned());
        Ok(())
    }

    /// Asks for an operation on an item and waits for its end.
    ///
    /// # Errors
    /// When the Back End refuses; a refusal by the licence carries its reasons.
    pub async fn process(&self, item: &str, operation: &str, usage: &str) -> Result<Value, ClientError> {
        self.process_as(&self.user().to_string(), item, operation, usage).await
    }

    /// As [`Client::process`], in the name of another: an operator asks in the Back End's.
    ///
    /// # Errors
    /// As [`Client::process`].
    pub async fn process_as(&self, who: &str, item: &str, operation: &str, usage: &str) -> Result<Value, ClientError> {
        let body = json!({
            "Header": "AIH-AHP-V1.0",
            "AIHDataProcessID": new_id(),
            "AIHDataProcessTime": now(),
            "UserID": who,
            "AIHDataProcess": { "Request": { "AIHDataID": item, "ProcessingType": operation, "Usage": usage } },
        });
        self.ask_and_wait(&body).await
    }

    /// Sends an AIH Data Process and waits for its end.
    ///
    /// # Errors
    /// As [`Client::process`].
    pub async fn ask_and_wait(&self, body: &Value) -> Result<Value, ClientError> {
        let answer = self.answer(self.request(Method::POST, "/v1/aih-data-process").json(body)).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Ok(answer.json().await?);
        }
        let job = answer.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
        let job = job.ok_or(ClientError::Lacks("the place of the job"))?.to_owned();
        loop {
            tokio::time::sleep(JOB_INTERVAL).await;
            let answer = self.answer(self.request(Method::GET, &job)).await?;
            if answer.status() != StatusCode::ACCEPTED {
                return Ok(answer.json().await?);
            }
        }
    }

    /// Asks for something and reads the JSON answer.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends JSON and reads the JSON answer.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Has something removed.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.answer(self.request(Method::DELETE, path)).await.map(drop)
    }

    /// Sends bytes as JSON and gives whatever is answered; told that it asks too often, it waits as long as it is told.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Value), ClientError> {
        let mut waited = 0;
        loop {
            let request = self.request(method.clone(), path).header(header::CONTENT_TYPE, "application/json");
            let answer = request.body(body.clone()).send().await?;
            let status = answer.status();
            let wait = answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            match (status, wait) {
                (StatusCode::TOO_MANY_REQUESTS, Some(seconds)) if waited < MOST_WAITS => {
                    waited += 1;
                    tokio::time::sleep(Duration::from_secs(seconds)).await
                }
                _ => return Ok((status, answer.json().await.unwrap_or(Value::Null))),
            }
        }
    }

    /// Reads something public of a Back End.
    ///
    /// # Errors
    /// When the Back End refuses or is not there.
    pub async fn look(url: &str, path: &str) -> Result<Value, ClientError> {
        let http = reqwest::Client::builder().timeout(ANSWER_TIME).build()?;
        let answer = http.get(format!("{}{path}", url.trim_end_matches('/'))).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Sends JSON in place of what is there, and reads the JSON answer.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// Opens an event stream, behind an event when one is named. It has no end of its own, so no deadline either.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn stream(&self, path: &str, after: Option<i64>) -> Result<reqwest::Response, ClientError> {
        let http = reqwest::Client::builder().build()?;
        let request = http.get(format!("{}{path}", self.url)).bearer_auth(self.token.as_deref().unwrap_or_default());
        let request = match after {
            Some(after) => request.header("last-event-id", after),
            None => request,
        };
        self.answer(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method.clone(), format!("{}{path}", self.url));
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        if method == Method::POST { request.header("Idempotency-Key", Uuid::new_v4().to_string()) } else { request }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, ClientError> {
        Ok(self.answer(request).await?.json().await?)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let problem = answer.json().await.unwrap_or(Value::Null);
        Err(ClientError::Problem { status, problem })
    }
}

/// A new message or data ID.
pub fn new_id() -> String {
    format!("urn:uuid:{}", Uuid::now_v7())
}

/// Now, as messages write it.
pub fn now() -> String {
    window::rfc3339(Clock::system().seconds())
}
