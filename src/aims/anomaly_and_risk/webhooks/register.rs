//! Registering webhooks.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{event::Event, signature::Secret, target::TargetError};
use crate::{
    aims::{AimError, Aims},
    db::{
        deliveries::{DeliveryRow, NewDelivery},
        webhooks::{NewWebhook, WebhookRow},
    },
    domain::{ids::UserId, window::rfc3339},
};

/// Webhooks of one user.
const MOST_WEBHOOKS: i64 = 8;
/// How long the secret before signs too after a new one was given, in seconds: a day.
pub const RETIRING_SECONDS: u64 = 86_400;
/// Deliveries that may wait for a webhook when its owner asks for one more.
const MOST_WAITING: u32 = 4;
/// Deliveries shown of a webhook.
const MOST_SHOWN: u32 = 20;

const SECRET: &str = "webhook secret";
const ADDRESS: &str = "webhook address";

/// A webhook as its owner sees it.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The row.
    pub row: WebhookRow,
    /// Its address.
    pub url: String,
}

/// A new secret; shown once.
#[derive(Debug)]
pub struct Told {
    /// The webhook.
    pub id: Uuid,
    /// `whsec_…`
    pub secret: Zeroizing<String>,
}

impl Aims {
    /// Registers a webhook.
    ///
    /// # Errors
    /// When its address may not be called, or the user has as many as one may have.
    pub async fn register_webhook(&self, user: UserId, url: &str) -> Result<Told, AimError> {
        self.targets.resolve(url).await.map_err(refused)?;
        let (id, secret) = (Uuid::now_v7(), new_secret()?);
        let webhook = NewWebhook {
            id,
            user,
            url_sealed: self.root_key.seal_bytes(ADDRESS, &id.to_string(), url.as_bytes())?,
            secret_sealed: self.seal_secret(id, &secret)?,
            created_at_us: self.clock.micros(),
        };
        if self.database.insert_webhook(&webhook, MOST_WEBHOOKS).await? {
            Ok(Told { id, secret: secret.text() })
        } else {
            Err(AimError::Conflict("a user has at most 8 webhooks; remove one first"))
        }
    }

    /// A user's webhooks.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn webhooks_of(&self, user: UserId) -> Result<Vec<Webhook>, AimError> {
        let rows = self.database.list_webhooks(user).await?;
        rows.into_iter().map(|row| Ok(Webhook { url: self.webhook_url(&row)?, row })).collect()
    }

    /// One webhook of a user, with its newest deliveries.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for other people's and unknown ones alike.
    pub async fn webhook_of(&self, user: UserId, id: Uuid) -> Result<(Webhook, Vec<DeliveryRow>), AimError> {
        // The deliveries first: a webhook is given up together with its last one, so it is never shown as active beside it.
        let deliveries = self.database.list_deliveries(id, MOST_SHOWN).await?;
        let row = self.own_webhook(user, id).await?;
        Ok((Webhook { url: self.webhook_url(&row)?, row }, deliveries))
    }

    /// Gives a webhook a new secret. The one before signs too for a day.
    ///
    /// # Errors
    /// As [`Aims::webhook_of`].
    pub async fn rotate_webhook(&self, user: UserId, id: Uuid) -> Result<Told, AimError> {
        self.own_webhook(user, id).await?;
        let secret = new_secret()?;
        let until = self.clock.micros() + RETIRING_SECONDS.cast_signed() * 1_000_000;
        match self.database.rotate_webhook_secret(id, &self.seal_secret(id, &secret)?, until).await? {
            true => Ok(Told { id, secret: secret.text() }),
            false => Err(AimError::NotFound),
        }
    }

    /// Sends something to a webhook to see whether it arrives.
    ///
    /// # Errors
    /// As [`Aims::webhook_of`]; also when it was given up, or enough waits for it to show whether anything arrives.
    pub async fn ping_webhook(&self, user: UserId, id: Uuid) -> Result<Uuid, AimError> {
        let row = self.own_webhook(user, id).await?;
        if row.state != crate::db::webhooks::WebhookState::Active {
            return Err(AimError::Conflict("this webhook was given up; register it anew"));
        }
        if self.database.has_waiting_deliveries(id, MOST_WAITING).await? {
            return Err(AimError::Conflict("other messages wait for this webhook; they are tried first"));
        }
        let delivery = self.delivery_to(id, "webhook.ping", &format!("/v1/webhooks/{id}"), serde_json::json!({}))?;
        self.database.insert_deliveries(std::slice::from_ref(&delivery)).await?;
        self.courier.wake();
        Ok(delivery.id)
    }

    /// Removes a webhook of a user, with what waits for it.
    ///
    /// # Errors
    /// As [`Aims::webhook_of`].
    pub async fn remove_webhook(&self, user: UserId, id: Uuid) -> Result<(), AimError> {
        if self.database.delete_webhook(id, user).await? { Ok(()) } else { Err(AimError::NotFound) }
    }

    /// Something to be sent to a webhook.
    ///
    /// # Errors
    /// As [`Event::text`].
    pub(in crate::aims::anomaly_and_risk) fn delivery_to(
        &self,
        webhook: Uuid,
        kind: &str,
        path: &str,
        data: serde_json::Value,
    ) -> Result<NewDelivery, AimError> {
        let (id, time) = (Uuid::now_v7(), rfc3339(self.clock.seconds()));
        let event = Event { id, back_end: self.back_end(), kind, time: &time, path, data };
        Ok(NewDelivery { id, webhook, body: event.text()?, created_at_us: self.clock.micros() })
    }

    /// The secrets that sign now: the one in force, and the one before while its day lasts.
    pub(super) fn webhook_secrets(&self, row: &WebhookRow) -> Result<Vec<Secret>, AimError> {
        let mut sealed = vec![row.secret_sealed.as_str()];
        sealed.extend(
            row.retiring.as_ref().filter(|(_, until)| *until > self.clock.micros()).map(|(old, _)| old.as_str()),
        );
        sealed.into_iter().map(|sealed| self.open_secret(row.id, sealed)).collect()
    }

    pub(super) fn webhook_url(&self, row: &WebhookRow) -> Result<String, AimError> {
        let bytes = self.root_key.open_bytes(ADDRESS, &row.id.to_string(), &row.url_sealed)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn own_webhook(&self, user: UserId, id: Uuid) -> Result<WebhookRow, AimError> {
        self.database.find_webhook(id).await?.filter(|row| row.user == user).ok_or(AimError::NotFound)
    }

    fn seal_secret(&self, id: Uuid, secret: &Secret) -> Result<String, AimError> {
        Ok(self.root_key.seal_bytes(SECRET, &id.to_string(), secret.text().as_bytes())?)
    }

    fn open_secret(&self, id: Uuid, sealed: &str) -> Result<Secret, AimError> {
        let bytes = self.root_key.open_bytes(SECRET, &id.to_string(), sealed)?;
        Secret::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| AimError::Worker(error.to_string()))
    }
}

fn new_secret() -> Result<Secret, AimError> {
    Secret::generate().map_err(|error| AimError::Worker(error.to_string()))
}

fn refused(error: TargetError) -> AimError {
    AimError::Target(error)
}
