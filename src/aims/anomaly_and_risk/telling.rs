//! **Telling**: who hears of an alert, and how much of it.
//!
//! | Who | Hears | Of it |
//! | --- | --- | --- |
//! | the End User | always | identifiers, colour, anomaly types |
//! | a User the End User names, covered by a grant | when named | identifiers; of the findings whose types the grant names: colour, types |
//! | a User the End User names, without such a grant | when named | that there is an alert |
//! | anybody else | never | |
//!
//! Webhooks carry identifiers only, whoever they belong to: they leave the house.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{alerting::USAGE, finding::Finding};
use crate::{
    aims::{AimError, Aims},
    db::{
        alerts::{AlertRow, NewAlert},
        data_items::DataItemRow,
        deliveries::NewDelivery,
        findings::Telling,
        notices::NewNotice,
        webhooks::WebhookState,
    },
    domain::{
        ids::{AihDataId, LicenceId, UserId},
        operation::Operation,
        rule::{Request, Requester, Standing, receivable},
        taxonomy::{AnomalyType, Usage, Word, WordSet},
    },
    licensing::{LicensingError, read::State},
};

/// Recipients named for one scope.
pub const MOST_RECIPIENTS: usize = 16;

impl Aims {
    /// The anomaly types whose findings a user receives with an operation on an item.
    ///
    /// # Errors
    /// When the chain does not answer, or there is a doubt.
    pub async fn receivable(
        &self,
        user: UserId,
        item: &DataItemRow,
        operation: Operation,
        usage: Usage,
    ) -> Result<WordSet<AnomalyType>, AimError> {
        if user == item.owner {
            return Ok(WordSet::all());
        }
        let Some(licence) = item.licence.filter(|_| user.0 != self.back_end().0) else { return Ok(WordSet::EMPTY) };
        let licence = LicenceId::new(self.back_end().chain_id(), licence);
        let Some(reading) = self.licensing.read(licence).await? else { return Ok(WordSet::EMPTY) };
        let registration = self.licensing.node().user(user.address()).await.map_err(LicensingError::from)?;
        let standing = Standing {
            terms: &reading.terms,
            status: reading.status(),
            revoked: matches!(reading.state, State::Revoked | State::Superseded),
            renounced: reading.state == State::BackEndRenounced,
        };
        let now = self.clock.seconds();
        let requester = Requester::User { address: user.address(), registration };
        Ok(receivable(&standing, &Request { requester, operation, usage, at: now }, now))
    }

    /// An alert about findings, and how each of those who hear of it is told.
    pub(super) async fn telling(&self, item: &DataItemRow, findings: &[&Finding]) -> Result<Telling, AimError> {
        let mut audience = self.database.list_alert_recipients_of_item(item.owner, item.root).await?;
        audience.retain(|user| *user != item.owner);
        let mut audience = self.in_good_standing(audience).await?;
        audience.insert(0, item.owner);
        let alert = NewAlert {
            id: Uuid::now_v7(),
            item: item.id,
            root: item.root,
            owner: item.owner,
            audience,
            raised_at_us: self.clock.micros(),
        };
        let (mut notices, mut deliveries) = (Vec::new(), Vec::new());
        for user in &alert.audience {
            let known = self.receivable(*user, item, Operation::AnomalyAndRiskAlerting, USAGE).await;
            // In doubt they hear that there is something, and no more.
            let known = known.unwrap_or_else(|error| {
                tracing::warn!(%error, "alert.told_in_doubt");
                if *user == item.owner { WordSet::all() } else { WordSet::EMPTY }
            });
            notices.push(self.notice(*user, "alert.raised", raised(alert.id, item.id, findings, known)));
            deliveries.extend(self.deliveries_to(*user, "alert.raised", (alert.id, item.id)).await?);
        }
        Ok(Telling { alert, notices, deliveries })
    }

    /// Those of the users whom nobody has suspended since they were named.
    async fn in_good_standing(&self, users: Vec<UserId>) -> Result<Vec<UserId>, AimError> {
        let mut standing = Vec::with_capacity(users.len());
        for user in users {
            if self.database.find_user(user).await?.is_some_and(|user| user.is_active()) {
                standing.push(user);
            }
        }
        Ok(standing)
    }

    /// How everybody who heard of an alert is told what became of it: the End User, and of the others those who would
    /// still hear of it.
    pub(super) async fn telling_of(
        &self,
        alert: &AlertRow,
        kind: &str,
        by: UserId,
    ) -> Result<(Vec<NewNotice>, Vec<NewDelivery>), AimError> {
        let (mut notices, mut deliveries) = (Vec::new(), Vec::new());
        let mut audience = self.database.list_alert_audience(alert.id).await?;
        audience.retain(|user| *user != alert.owner);
        if let Some(item) = self.database.find_data_item(alert.item).await? {
            let named = self.database.list_alert_recipients_of_item(item.owner, item.root).await?;
            audience.retain(|user| named.contains(user));
        }
        let mut audience = self.in_good_standing(audience).await?;
        audience.insert(0, alert.owner);
        for user in audience {
            let mut data = identifiers(alert.id, alert.item);
            data["By"] = json!(by);
            notices.push(self.notice(user, kind, data));
            deliveries.extend(self.deliveries_to(user, kind, (alert.id, alert.item)).await?);
        }
        Ok((notices, deliveries))
    }

    fn notice(&self, user: UserId, kind: &str, data: Value) -> NewNotice {
        NewNotice { user, kind: kind.to_owned(), data, created_at_us: self.clock.micros() }
    }

    async fn deliveries_to(
        &self,
        user: UserId,
        kind: &str,
        (alert, item): (Uuid, AihDataId),
    ) -> Result<Vec<NewDelivery>, AimError> {
        let webhooks = self.database.list_webhooks(user).await?;
        let active = webhooks.iter().filter(|webhook| webhook.state == WebhookState::Active);
        let path = format!("/v1/alerts/{alert}");
        active.map(|webhook| self.delivery_to(webhook.id, kind, &path, identifiers(alert, item))).collect()
    }
}

fn identifiers(alert: Uuid, item: AihDataId) -> Value {
    json!({ "AlertID": alert, "AIHDataID": item })
}

fn raised(alert: Uuid, item: AihDataId, findings: &[&Finding], known: WordSet<AnomalyType>) -> Value {
    let mut data = identifiers(alert, item);
    let told: Vec<&&Finding> =
        findings.iter().filter(|finding| finding.anomaly.is_some_and(|anomaly| known.contains(anomaly))).collect();
    // The gravest colour is the least of them.
    if let Some(risk) = told.iter().map(|finding| finding.risk).min() {
        let types: WordSet<AnomalyType> = told.iter().filter_map(|finding| finding.anomaly).collect();
        data["RiskType"] = json!(risk);
        data["AnomalyTypes"] = json!(types.iter().map(Word::word).collect::<Vec<_>>());
    }
    data
}
