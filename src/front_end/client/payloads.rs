//! Payloads and models: sent behind a message, and fetched.

use reqwest::{Method, multipart};
use serde_json::Value;

use super::{Client, ClientError};

impl Client {
    /// Uploads an item: the message, then the payload as it is read.
    ///
    /// # Errors
    /// When the Back End refuses, or the payload cannot be read.
    pub async fn upload(&self, message: &Value, payload: reqwest::Body, length: u64) -> Result<Value, ClientError> {
        let form = carrying(message, multipart::Part::stream_with_length(payload, length))?;
        self.send(self.request(Method::POST, "/v1/aih-data").multipart(form)).await
    }

    /// Answers in a round of federated learning: the message, then the model.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn answer_round(&self, message: &Value, model: Vec<u8>) -> Result<Value, ClientError> {
        let form = carrying(message, multipart::Part::bytes(model))?;
        self.send(self.request(Method::POST, "/v1/federated-learn").multipart(form)).await
    }

    /// Asks for bytes.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        Ok(self.answer(self.request(Method::GET, path)).await?.bytes().await?.to_vec())
    }

    /// Asks for bytes, and stops reading when there are more than expected.
    ///
    /// # Errors
    /// When the Back End refuses or sends more.
    pub async fn bytes_up_to(&self, path: &str, most: u64) -> Result<Vec<u8>, ClientError> {
        let mut answer = self.answer(self.request(Method::GET, path)).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > most {
                return Err(ClientError::Lacks("an end where it was announced"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Puts a model or a scoring file into the Store, as an operator: the message, then the bytes.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn put_model(&self, message: &Value, bytes: Vec<u8>) -> Result<Value, ClientError> {
        let form = carrying(message, multipart::Part::bytes(bytes))?;
        self.send(self.request(Method::POST, "/v1/store/models").multipart(form)).await
    }
}

/// A message with the payload it announces behind it.
fn carrying(message: &Value, payload: multipart::Part) -> Result<multipart::Form, ClientError> {
    let message = multipart::Part::text(message.to_string()).mime_str("application/json")?;
    let payload = payload.mime_str("application/octet-stream")?;
    Ok(multipart::Form::new().part("message", message).part("payload", payload))
}
