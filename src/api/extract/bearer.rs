//! Who asks: `Authorization: Bearer` with a Token of this Back End.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use crate::{
    access::{Caller, Scope},
    api::{Door, Kind, Problem},
    domain::{ids::UserId, operation::Operation},
};

/// The authenticated caller.
#[derive(Debug, Clone)]
pub struct Bearer(pub Caller);

impl Bearer {
    /// Who asks.
    pub fn user(&self) -> UserId {
        self.0.user
    }

    /// Passes when the Token opens this service.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn must_open(&self, service: Operation) -> Result<(), Problem> {
        self.must_have(Scope::Service(service))
    }

    /// Passes when the Token opens one of these services.
    ///
    /// # Errors
    /// [`Kind::Forbidden`], naming the first of them.
    pub fn must_open_any(&self, services: &[Operation]) -> Result<(), Problem> {
        match services.iter().any(|service| self.0.scopes.contains(&Scope::Service(*service))) {
            true => Ok(()),
            false => services.first().map_or(Ok(()), |first| self.must_open(*first)),
        }
    }

    /// Passes when the caller operates this Back End.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn must_operate(&self) -> Result<(), Problem> {
        self.must_have(Scope::Operator)
    }

    /// Whether the caller operates this Back End.
    pub fn operates(&self) -> bool {
        self.0.scopes.contains(&Scope::Operator)
    }

    fn must_have(&self, scope: Scope) -> Result<(), Problem> {
        if self.0.scopes.contains(&scope) {
            return Ok(());
        }
        let problem = Problem::new(Kind::Forbidden, format!("The Token does not open the service {scope}."));
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Err(match HeaderValue::from_str(&challenge) {
            Ok(value) => problem.with_header(header::WWW_AUTHENTICATE, value),
            Err(_) => problem,
        })
    }
}

impl FromRequestParts<Door> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let token = token(parts)?;
        let caller = door.access.authenticate(token).await?;
        door.rates.user(caller.user)?;
        Ok(Self(caller))
    }
}

fn token(parts: &Parts) -> Result<&str, Problem> {
    let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
    let refuse = || {
        Problem::new(Kind::Unauthenticated, "A Token is needed: Authorization: Bearer <token>.")
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    };
    let (Some(value), None) = (given.next(), given.next()) else { return Err(refuse()) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(refuse)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(refuse()) }
}
