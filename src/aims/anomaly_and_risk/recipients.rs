//! The Users an End User names to be told of alerts, for one item or for all. How the End User indicates them is open in
//! the standard.

use super::telling::MOST_RECIPIENTS;
use crate::{
    aims::{AimError, Aims},
    db::alert_recipients::RecipientRow,
    domain::ids::{AihDataId, UserId},
};

const POINTER: &str = "/Recipients";

impl Aims {
    /// Replaces whom an End User names for an item (and what is derived from it), or for all items.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for an item that is not theirs, [`AimError::Refused`] for recipients who are not
    /// registered or too many.
    pub async fn name_recipients(
        &self,
        owner: UserId,
        item: Option<AihDataId>,
        recipients: &[UserId],
    ) -> Result<Vec<RecipientRow>, AimError> {
        let refuse = |reason| Err(AimError::Refused { pointer: POINTER, reason });
        if recipients.len() > MOST_RECIPIENTS {
            return refuse("at most 16 recipients are named at once");
        }
        let root = match item {
            Some(item) => Some(self.own_item(owner, item).await?.root),
            None => None,
        };
        for recipient in recipients {
            if *recipient == owner {
                return refuse("the End User is told in any case");
            }
            if !self.database.find_user(*recipient).await?.is_some_and(|user| user.is_active()) {
                return refuse("a recipient is a registered User in good standing");
            }
        }
        self.database.replace_alert_recipients(owner, root, recipients, self.clock.micros()).await?;
        self.recipients_of(owner).await
    }

    /// Whom an End User names, for what.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn recipients_of(&self, owner: UserId) -> Result<Vec<RecipientRow>, AimError> {
        Ok(self.database.list_alert_recipients(owner).await?)
    }
}
