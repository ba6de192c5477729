//! `/v1/webhooks`: addresses at which the caller wants to be told.

pub mod ping;
pub mod read;
pub mod register;
pub mod remove;
pub mod rotate;

use serde::Serialize;
use uuid::Uuid;

use crate::{
    aims::anomaly_and_risk::webhooks::register::{Told, Webhook},
    api::Problem,
    schema::{Resource, ResourceType, wire::DateTime},
};

/// Where a webhook stands.
fn location(id: Uuid) -> String {
    format!("/v1/webhooks/{id}")
}

/// A webhook.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Shown {
    /// Its ID.
    #[serde(rename = "WebhookID")]
    webhook_id: String,
    /// Its address.
    #[serde(rename = "URL")]
    url: String,
    /// `active`, or `disabled` when it was given up.
    state: String,
    /// Why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// RFC 3339.
    created_at: String,
}

impl Shown {
    fn of(webhook: &Webhook) -> Result<Self, Problem> {
        Ok(Self {
            webhook_id: webhook.row.id.to_string(),
            url: webhook.url.clone(),
            state: webhook.row.state.to_string(),
            reason: webhook.row.reason.clone(),
            created_at: time(webhook.row.created_at_us)?,
        })
    }
}

/// A new secret. It is not shown again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Secret {
    /// The webhook.
    #[serde(rename = "WebhookID")]
    webhook_id: String,
    /// `whsec_…`, after Standard Webhooks.
    secret: String,
}

impl Resource for Secret {
    const TYPE: ResourceType = ResourceType::WebhookSecret;
}

impl Secret {
    fn of(told: &Told) -> Self {
        Self { webhook_id: told.id.to_string(), secret: told.secret.as_str().to_owned() }
    }
}

fn time(micros: i64) -> Result<String, Problem> {
    Ok(DateTime::from_micros(micros).map_err(Problem::internal)?.as_str().to_owned())
}
