//! Tokens: JWTs signed with ES256, typed `at+jwt`, good for minutes, for this Back End and the services named, and
//! withdrawn at once when their row says so.

use jsonwebtoken::{Algorithm, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Access, AccessError, Scope,
    error::TokenRefused,
    services::{is_open_to, is_open_to_operators},
};
use crate::{
    db::{tokens::NewToken, users::UserRow},
    domain::{ids::UserId, operation::Operation, taxonomy::UserClass, user::Registration},
    licensing::LicensingError,
};

/// How long a Token is good for, in seconds.
pub const TOKEN_SECONDS: i64 = 900;
/// How far clocks may differ, in seconds.
pub const LEEWAY_SECONDS: i64 = 5;
const TYPE: &str = "at+jwt";
/// Longest text looked at, in bytes; ours are far shorter.
const LONGEST_TOKEN: usize = 4_096;

/// Somebody with a valid Token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// What the Token opens.
    pub scopes: Vec<Scope>,
    /// The Token's ID, `urn:uuid:…`.
    pub token_id: String,
    /// First second since 1970 at which the Token is worthless.
    pub expires_at_s: i64,
}

/// A Token given out. Its text is shown once and kept nowhere.
pub struct Issued {
    /// The Token's ID.
    pub token_id: Uuid,
    /// The JWT.
    pub token: String,
    /// Services it opens.
    pub services: Vec<Operation>,
    /// First second since 1970 at which it is worthless.
    pub expires_at_s: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: String,
    iat: i64,
    exp: i64,
    scope: String,
}

impl Access {
    /// Gives an account that proved itself a Token for the services asked and allowed: by the class the chain knows, and
    /// by the role of OPERATOR.
    ///
    /// # Errors
    /// [`AccessError::NotRegistered`], [`AccessError::Pending`], [`AccessError::Suspended`], [`AccessError::NoService`],
    /// or that chain or database do not answer.
    pub async fn renew(&self, user: UserId, asked: &[Operation]) -> Result<Issued, AccessError> {
        let node = self.inner.licensing.node();
        let operates = node.is_operator(user.address()).await?;
        let standing = node.user(user.address()).await?;
        let row = self.inner.database.find_user(user).await?;
        if let (Some(_), Registration::Known { class, active }) = (&row, standing) {
            self.follow(user, class, active).await?;
        }
        let class = class_of(row.as_ref(), standing);
        let open = |service: &Operation| {
            class.as_ref().is_ok_and(|class| is_open_to(*service, *class))
                || (operates && is_open_to_operators(*service))
        };
        let services: Vec<Operation> = asked.iter().copied().filter(open).collect();
        match class {
            Err(refused) if !operates => Err(refused),
            class if services.is_empty() => {
                Err(AccessError::NoService(class.map_or_else(|_| "operator".to_owned(), |class| class.to_string())))
            }
            _ => self.issue(user, services, operates, row.is_some()).await,
        }
    }

    /// The rows follow the chain. Whoever is suspended there loses the Tokens they have.
    pub(super) async fn follow(&self, user: UserId, class: UserClass, active: bool) -> Result<(), AccessError> {
        let database = &self.inner.database;
        database.set_user_class(user, class, active, self.inner.clock.micros()).await?.required()?;
        if !active {
            database.revoke_tokens_of(user, self.now_s()).await?;
        }
        Ok(())
    }

    pub(super) async fn issue(
        &self,
        user: UserId,
        services: Vec<Operation>,
        operates: bool,
        registered: bool,
    ) -> Result<Issued, AccessError> {
        let (token_id, now) = (Uuid::new_v4(), self.now_s());
        let back_end = self.back_end().to_string();
        let scopes = services.iter().copied().map(Scope::Service).chain(operates.then_some(Scope::Operator));
        let claims = Claims {
            iss: back_end.clone(),
            aud: back_end,
            sub: user.to_string(),
            jti: id_text(token_id),
            iat: now,
            exp: now + TOKEN_SECONDS,
            scope: scopes.map(|scope| scope.to_string()).collect::<Vec<_>>().join(" "),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.inner.key.id.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let token = encode(&header, &claims, &self.inner.key.encoding).map_err(super::signing_key::KeyError::Sign)?;
        let row = NewToken {
            token_id: claims.jti,
            user,
            services: services.clone(),
            issued_at_s: now,
            expires_at_s: claims.exp,
        };
        if registered {
            self.inner.database.insert_token(&row).await?;
        } else {
            self.inner.database.insert_operator_token(&row).await?;
        }
        Ok(Issued { token_id, token, services, expires_at_s: u64::try_from(claims.exp).unwrap_or_default() })
    }

    /// Who sends this Token.
    ///
    /// # Errors
    /// [`TokenRefused`], or that the database does not answer, or, to an operator, the chain.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, AccessError> {
        let claims = self.read(token)?;
        if self.now_s() >= claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenRefused::Expired.into());
        }
        let row = self.inner.database.find_token(&claims.jti).await?.ok_or(TokenRefused::Foreign)?;
        if row.revoked_at_s.is_some() {
            return Err(TokenRefused::Withdrawn.into());
        }
        let scopes = claims.scope.split_whitespace().map(str::parse).collect::<Result<Vec<Scope>, _>>();
        let user: UserId = claims.sub.parse().map_err(|_| TokenRefused::Foreign)?;
        if user != row.user {
            return Err(TokenRefused::Foreign.into());
        }
        let scopes = scopes.map_err(|_| TokenRefused::Foreign)?;
        if scopes.contains(&Scope::Operator) {
            self.must_still_operate(user).await?;
        }
        Ok(Caller { user, scopes, token_id: claims.jti, expires_at_s: claims.exp })
    }

    /// The role is the chain's, and taken there; nobody tells us. So it is asked each time, and not once in a Token's life.
    async fn must_still_operate(&self, user: UserId) -> Result<(), AccessError> {
        let licensing = &self.inner.licensing;
        licensing.vigil().pass_if_ours().map_err(LicensingError::from)?;
        match licensing.node().is_operator(user.address()).await? {
            true => Ok(()),
            false => Err(TokenRefused::RoleTaken.into()),
        }
    }

    /// Whether a caller authenticated earlier still is. In doubt not.
    pub async fn is_still_open(&self, caller: &Caller) -> bool {
        if self.now_s() >= caller.expires_at_s {
            return false;
        }
        let row = self.inner.database.find_token(&caller.token_id).await;
        row.is_ok_and(|row| row.is_some_and(|row| row.revoked_at_s.is_none()))
    }

    /// Withdraws a Token of this user. False when they have no such Token, or it was withdrawn before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw(&self, user: UserId, token_id: Uuid) -> Result<bool, AccessError> {
        Ok(self.inner.database.revoke_token(&id_text(token_id), user, self.now_s()).await?)
    }

    /// Signature, algorithm, type, issuer and audience. Time is judged by our own clock, afterwards.
    fn read(&self, token: &str) -> Result<Claims, TokenRefused> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenRefused::Foreign);
        }
        let back_end = self.back_end().to_string();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.validate_exp = false;
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.set_issuer(&[&back_end]);
        rules.set_audience(&[&back_end]);
        let read = decode::<Claims>(token, &self.inner.key.decoding, &rules).map_err(|_| TokenRefused::Foreign)?;
        if read.header.typ.as_deref() == Some(TYPE) { Ok(read.claims) } else { Err(TokenRefused::Foreign) }
    }
}

fn id_text(token_id: Uuid) -> String {
    format!("urn:uuid:{}", token_id.hyphenated())
}

/// The class of a registered user: what the chain says, and nothing else.
pub(super) fn class_of(row: Option<&UserRow>, standing: Registration) -> Result<UserClass, AccessError> {
    match (row, standing) {
        (None, _) => Err(AccessError::NotRegistered),
        (Some(_), Registration::Unknown) => Err(AccessError::Pending),
        (Some(_), Registration::Known { active: false, .. }) => Err(AccessError::Suspended),
        (Some(_), Registration::Known { class, active: true }) => Ok(class),
    }
}
