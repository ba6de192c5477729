//! **Reading** findings and alerts: to each what is theirs.

use uuid::Uuid;

use super::{
    alerting::{PURPOSE, USAGE},
    judge::MOST_FINDINGS,
};
use crate::{
    aims::{AimError, Aims, asking::ProcessRequest},
    db::{
        Cursor, Page,
        alerts::{Act, AlertRow, AlertState},
        data_items::DataItemRow,
        findings::FindingRow,
        operations::OperationKind,
    },
    domain::{
        ids::UserId,
        operation::Operation,
        taxonomy::{AnomalyType, WordSet},
    },
    licensing::{confirm::Answer, permit::Purpose},
    schema::wire::AraData,
};

/// Whose eyes findings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// The End User's: everything, remarks about the rules included.
    EndUser,
    /// Somebody's who receives findings of these types.
    Of(WordSet<AnomalyType>),
}

impl Eyes {
    fn may_see(self, message: &AraData) -> bool {
        match self {
            Self::EndUser => true,
            Self::Of(types) => message.ara_data.anomaly_type.is_some_and(|anomaly| types.contains(anomaly)),
        }
    }
}

/// An alert as somebody gets to see it.
#[derive(Debug)]
pub struct Seen {
    /// The alert.
    pub row: AlertRow,
    /// What was found, as far as it is theirs.
    pub findings: Vec<AraData>,
}

impl Aims {
    /// Whose eyes a user has for what an operation on an item brings with it.
    ///
    /// # Errors
    /// When the chain does not answer, or there is a doubt.
    pub async fn eyes_of(
        &self,
        user: UserId,
        item: &DataItemRow,
        operation: Operation,
        usage: crate::domain::taxonomy::Usage,
    ) -> Result<Eyes, AimError> {
        if user == item.owner {
            return Ok(Eyes::EndUser);
        }
        Ok(Eyes::Of(self.receivable(user, item, operation, usage).await?))
    }

    /// What was found in an item and, for the result of a processing, in what it was made from; the gravest first. Not
    /// across a de-identification: times and words of findings would bring back what was taken out.
    ///
    /// # Errors
    /// When cellar or keys fail.
    pub async fn findings_on(&self, item: &DataItemRow, eyes: Eyes) -> Result<Vec<AraData>, AimError> {
        let mut found = self.open_findings(item, |_| true).await?;
        if let Some(parent) = item.parent
            && let Some(parent) = self.database.find_data_item(parent).await?
            && parent.status == item.status
        {
            found.extend(self.open_findings(&parent, |_| true).await?);
        }
        Ok(shown(found, eyes))
    }

    /// The alerts a user was told of, newest first.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn alerts_of(
        &self,
        user: UserId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<AlertRow>, AimError> {
        Ok(self.database.list_alerts(user, after, limit).await?)
    }

    /// An alert with what was found. For the End User everything; to a User they named the chain is asked first, in that
    /// User's own name, and what its answer does not cover is left out.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for whoever was not told of it; otherwise when the chain gives no answer.
    pub async fn see_alert(&self, user: UserId, id: Uuid) -> Result<Seen, AimError> {
        let row = self.database.find_alert(id, user).await?.ok_or(AimError::NotFound)?;
        let item = self.database.find_data_item(row.item).await?.ok_or(AimError::NotFound)?;
        let eyes = if user == row.owner { Eyes::EndUser } else { Eyes::Of(self.ask_to_see(user, &item).await?) };
        let found = self.open_findings(&item, |finding| finding.alert == Some(id)).await?;
        Ok(Seen { row, findings: shown(found, eyes) })
    }

    /// Notes that somebody looks after an alert. Who was told of it may; once more changes nothing.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for whoever was not told of it.
    pub async fn acknowledge_alert(&self, user: UserId, id: Uuid) -> Result<AlertRow, AimError> {
        let row = self.database.find_alert(id, user).await?.ok_or(AimError::NotFound)?;
        if row.state == AlertState::Raised {
            let (notices, deliveries) = self.telling_of(&row, "alert.acknowledged", user).await?;
            let act = Act { by: user, at_us: self.clock.micros() };
            // Somebody else may have been faster: then it is acknowledged all the same.
            let _ = self.database.acknowledge_alert(id, act, &notices, &deliveries).await?;
            self.courier.wake();
        }
        self.database.find_alert(id, user).await?.ok_or(AimError::NotFound)
    }

    /// Notes that an acknowledged alert needs no attention any more. The End User may, and a User they named whose
    /// licence lets them see what was found; once more changes nothing.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for whoever was not told of it, [`AimError::NotCovered`] for whoever may not see the
    /// findings, [`AimError::Conflict`] when nobody acknowledged it.
    pub async fn clear_alert(&self, user: UserId, id: Uuid) -> Result<AlertRow, AimError> {
        let row = self.database.find_alert(id, user).await?.ok_or(AimError::NotFound)?;
        let item = self.database.find_data_item(row.item).await?.ok_or(AimError::NotFound)?;
        if self.receivable(user, &item, Operation::AnomalyAndRiskAlerting, USAGE).await?.is_empty() {
            return Err(AimError::NotCovered);
        }
        match row.state {
            AlertState::Raised => return Err(AimError::Conflict("an alert is acknowledged before it is cleared")),
            AlertState::Cleared => {}
            AlertState::Acknowledged => {
                let (notices, deliveries) = self.telling_of(&row, "alert.cleared", user).await?;
                let act = Act { by: user, at_us: self.clock.micros() };
                let _ = self.database.clear_alert(id, act, &notices, &deliveries).await?;
                self.courier.wake();
            }
        }
        self.database.find_alert(id, user).await?.ok_or(AimError::NotFound)
    }

    /// Asks the chain for `AnomalyAndRiskAlerting` in a user's name, records that it was done, and gives the types they
    /// receive; none after a no.
    async fn ask_to_see(&self, user: UserId, item: &DataItemRow) -> Result<WordSet<AnomalyType>, AimError> {
        let request = ProcessRequest {
            message_id: None,
            requester: user,
            item: item.id,
            operation: Operation::AnomalyAndRiskAlerting,
            usage: USAGE,
            parameters: serde_json::Map::new(),
        };
        let operation = self.new_operation(&request, OperationKind::Alert, Some(item)).await?;
        let _ = self.database.insert_operation(&operation).await?;
        let permit = match self.ask(&operation).await {
            Ok(Answer::Permitted(permit)) => permit,
            Ok(Answer::Denied(_)) => return Ok(WordSet::EMPTY),
            Err(error) => {
                self.give_up(operation.id, &error).await;
                return Err(error);
            }
        };
        let purpose = Purpose { item: item.id, operation: request.operation, requester: user.address() };
        let seen = async {
            permit.spend(&purpose, self.clock.seconds())?;
            self.note_start(operation.id).await?;
            self.receivable(user, item, request.operation, USAGE).await
        };
        let seen = seen.await;
        self.note_end(operation.id, seen.as_ref().map(|_| None)).await;
        seen
    }

    async fn open_findings(
        &self,
        item: &DataItemRow,
        wanted: impl Fn(&FindingRow) -> bool,
    ) -> Result<Vec<AraData>, AimError> {
        let rows: Vec<FindingRow> = self.database.list_findings(item.id).await?.into_iter().filter(wanted).collect();
        if rows.is_empty() || item.item_key_wrapped.is_none() {
            return Ok(Vec::new());
        }
        let key = self.item_key(item).await?;
        let open = |row: &FindingRow| {
            let text = key.open_text(PURPOSE, &row.sealed)?;
            serde_json::from_str(&text).map_err(|_| AimError::Worker("a finding that is none".to_owned()))
        };
        rows.iter().map(open).collect()
    }
}

fn shown(mut found: Vec<AraData>, eyes: Eyes) -> Vec<AraData> {
    found.retain(|message| eyes.may_see(message));
    found.sort_by_key(|message| (message.ara_data.risk_type, message.ara_data_id));
    found.truncate(MOST_FINDINGS);
    found
}
