//! The receiving side of a webhook: what to check before a message is believed. The order matters: the signature is over
//! the bytes as they came, so nothing is read of them before it holds.
//!
//! ```
//! use health_back_end::front_end::webhook::{Headers, Inbox};
//! # use health_back_end::aims::anomaly_and_risk::webhooks::signature::Secret;
//! # let text = Secret::generate().unwrap().text();
//! # let (id, now) = ("0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e", 1_000);
//! # let body = format!(r#"{{"specversion":"1.0","id":"{id}","type":"t","source":"s","data":{{}}}}"#);
//! # let signature = Secret::parse(&text).unwrap().sign(id, now, &body);
//! # let timestamp = now.to_string();
//! let mut inbox = Inbox::new(&text)?;
//! let headers = Headers { id, timestamp: &timestamp, signature: &signature };
//! let event = inbox.take(&headers, &body, now)?.expect("it is new");
//! assert_eq!(event["id"], id);
//! // Until it is dealt with it is new: whoever answers 500, or falls over, is sent it again.
//! assert!(inbox.take(&headers, &body, now)?.is_some());
//! inbox.done(id);
//! // The same message again, because our answer was lost: nothing to do, answer 2xx.
//! assert!(inbox.take(&headers, &body, now)?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{HashSet, VecDeque};

use serde_json::Value;

use crate::aims::anomaly_and_risk::webhooks::signature::{Received, Secret, SignatureError};

pub use crate::aims::anomaly_and_risk::webhooks::signature::Received as Headers;

/// IDs remembered, to know a message that comes twice.
const REMEMBERED: usize = 10_000;

/// Why a message is not believed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed as ours are.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Signed, but no CloudEvent of this ID.
    #[error("the message is no CloudEvent of the ID in its header")]
    Event,
}

/// Takes in messages of one webhook. One that is taken is not remembered before [`Inbox::done`]: what is acknowledged
/// before it is dealt with is lost when dealing with it fails.
#[derive(Debug)]
pub struct Inbox {
    secret: Secret,
    seen: HashSet<String>,
    order: VecDeque<String>,
}

impl Inbox {
    /// For the webhook with this secret (`whsec_…`).
    ///
    /// # Errors
    /// When it is no secret.
    pub fn new(secret: &str) -> Result<Self, SignatureError> {
        Ok(Self { secret: Secret::parse(secret)?, seen: HashSet::new(), order: VecDeque::new() })
    }

    /// Checks a message received at `now` (seconds since 1970); gives the CloudEvent, or `None` when it was dealt with before.
    ///
    /// # Errors
    /// [`WebhookError`]; then nothing of the message is to be believed.
    pub fn take(&self, headers: &Received<'_>, body: &str, now: u64) -> Result<Option<Value>, WebhookError> {
        self.secret.verify(headers, body, now)?;
        let event: Value = serde_json::from_str(body).map_err(|_| WebhookError::Event)?;
        let named = |label: &str| event.get(label).and_then(Value::as_str);
        if named("specversion") != Some("1.0") || named("id") != Some(headers.id) {
            return Err(WebhookError::Event);
        }
        Ok((!self.seen.contains(headers.id)).then_some(event))
    }

    /// Remembers that a message was dealt with.
    pub fn done(&mut self, id: &str) {
        if !self.seen.insert(id.to_owned()) {
            return;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_signed_or_no_event_is_not_believed() {
        let secret = Secret::generate().unwrap();
        let mut inbox = Inbox::new(&secret.text()).unwrap();
        let take = |inbox: &Inbox, id: &str, body: &str, signed: &str| {
            let signature = secret.sign(id, 5, signed);
            inbox.take(&Received { id, timestamp: "5", signature: &signature }, body, 5)
        };
        let event = r#"{"specversion": "1.0", "id": "a"}"#;
        assert!(matches!(take(&inbox, "a", event, "{}"), Err(WebhookError::Signature(SignatureError::Signature))));
        assert!(take(&inbox, "a", event, event).unwrap().is_some());
        assert!(take(&inbox, "a", event, event).unwrap().is_some(), "nobody has dealt with it");
        inbox.done("a");
        inbox.done("a");
        assert!(take(&inbox, "a", event, event).unwrap().is_none());
        for bad in ["", "[]", r#"{"specversion": "1.0", "id": "b"}"#, r#"{"specversion": "0.3", "id": "c"}"#] {
            assert!(matches!(take(&inbox, "c", bad, bad), Err(WebhookError::Event)), "{bad}");
        }
    }
}
