//! Registration: an account that proved itself becomes a user. End Users are registered on chain at once; everybody else
//! waits for a REGISTRAR, who vouches for their class there. Doing it twice changes nothing.

use super::{Access, AccessError, services::is_open_to, tokens::Issued};
use crate::{
    db::users::{NewUser, Registered},
    domain::{ids::UserId, operation::Operation, taxonomy::UserClass, user::Registration},
    store::{EndUserKey, RootKey},
};

/// Purpose under which profiles are sealed.
pub const PROFILE: &str = "user-profile";

/// Who wants to be registered, after the proof.
pub struct Applicant {
    /// The account that proved itself.
    pub user: UserId,
    /// The class they say they belong to.
    pub class: UserClass,
    /// Services they ask for.
    pub services: Vec<Operation>,
    /// Their User Profile as JSON text; sealed with their own key.
    pub profile: String,
}

/// What came of it.
pub struct Admission {
    /// Whether they were unknown before.
    pub is_new: bool,
    /// The class the chain knows; `None` while nobody vouched for one.
    pub class: Option<UserClass>,
    /// A Token for the services asked and allowed, if any is.
    pub token: Option<Issued>,
}

impl Access {
    /// Registers an applicant, or finds them registered.
    ///
    /// # Errors
    /// [`AccessError::Suspended`], or that chain or database do not answer; then it may be asked again, with a new challenge:
    /// the proof is used up.
    pub async fn register(&self, root: &RootKey, applicant: &Applicant) -> Result<Admission, AccessError> {
        let registered = self.inner.database.insert_user(&self.new_user(root, applicant)?).await?;
        let is_new = matches!(registered, Registered::New(_));
        // The first request stands: whoever registered as one thing does not become another by asking again.
        let requested = registered.into_row().requested_class;
        let standing = self.standing(applicant.user, requested).await?;
        let class = match standing {
            Registration::Unknown => return Ok(Admission { is_new, class: None, token: None }),
            Registration::Known { class, active } => {
                self.follow(applicant.user, class, active).await?;
                if !active {
                    return Err(AccessError::Suspended);
                }
                class
            }
        };
        let services: Vec<_> = applicant.services.iter().copied().filter(|s| is_open_to(*s, class)).collect();
        let token = match services.is_empty() {
            true => None,
            false => Some(self.issue(applicant.user, services, false, true).await?),
        };
        Ok(Admission { is_new, class: Some(class), token })
    }

    fn new_user(&self, root: &RootKey, applicant: &Applicant) -> Result<NewUser, AccessError> {
        let key = EndUserKey::generate(&applicant.user.to_string())?;
        Ok(NewUser {
            address: applicant.user,
            requested_class: applicant.class,
            profile_sealed: key.seal_text(PROFILE, &applicant.profile)?,
            user_key_wrapped: key.wrap(root)?.to_string(),
            registered_at_us: self.inner.clock.micros(),
        })
    }

    /// What the chain knows; an End User it does not know yet is made known.
    async fn standing(&self, user: UserId, requested: UserClass) -> Result<Registration, AccessError> {
        let node = self.inner.licensing.node();
        let known = node.user(user.address()).await?;
        if known != Registration::Unknown || requested != UserClass::EndUser {
            return Ok(known);
        }
        match self.inner.licensing.register_end_user(user.address()).await {
            Ok(_) => {}
            // Somebody else was quicker; what the chain says now counts.
            Err(error) if error.refusal().is_some() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(node.user(user.address()).await?)
    }
}
