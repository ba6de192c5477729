//! `Idempotency-Key`: a request that is sent again gets the first answer and does nothing a second time.
//!
//! The work runs in a task of its own: a client that hangs up, or a deadline that passes, does not stop it half-way, and
//! whoever asks again finds its answer. What is kept is every answer that would be the same again: anything below 500
//! except 408 and 429, what a licence covers ([`AskedAnew`]), and what was said before the payload behind a message was
//! read whole: of that nobody could say later whether it is the same request. Other answers release the key. After a crash
//! the key is released at the next start ([`crate::access::Access::recover`]); then the identifiers inside the messages keep
//! the work from being done twice.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use alloy::primitives::B256;
use aws_lc_rs::digest::{SHA256, digest as sha};
use axum::{
    body::{Body, to_bytes},
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, StreamExt};
use tracing::Instrument;

use super::{
    Door, Kind, Problem,
    extract::{
        carried::{Carried, Load},
        imprint::Imprint,
    },
};
use crate::{
    access::idempotency::{Begun, KeptResponse, Key},
    domain::ids::UserId,
};

/// The header.
pub const HEADER: &str = "idempotency-key";
/// Set on an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How often a request that is worked on says so, so that its key is not released.
const SIGN_INTERVAL: Duration = Duration::from_secs(60);
const LONGEST_KEY: usize = 255;
/// Answers of POST routes that write are messages; more than this is no message.
const MOST_KEPT_BYTES: usize = 8 << 20;

/// On an answer that is not kept: it hands out what a licence covers, and has to be asked for anew each time. The
/// identifiers inside the message keep the work from being done twice.
#[derive(Debug, Clone, Copy)]
pub struct AskedAnew;

/// The key of a request, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once(Option<String>);

impl FromRequestParts<Door> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(HEADER).iter();
        let key = match (given.next(), given.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(value), None) => value.to_str().ok(),
            (Some(_), Some(_)) => None,
        };
        match key.filter(|key| (1..=LONGEST_KEY).contains(&key.len())) {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(Problem::new(
                Kind::MalformedRequest,
                "Idempotency-Key must stand once and hold 1 to 255 visible characters.",
            )),
        }
    }
}

/// What two bodies of the same request share: SHA-256 of the bytes.
pub fn digest(bytes: &[u8]) -> B256 {
    B256::from_slice(sha(&SHA256, bytes).as_ref())
}

impl Once {
    /// A request with this key, as where the key comes from elsewhere than a header.
    pub fn with_key(key: &str) -> Self {
        Self(Some(key.to_owned()))
    }

    /// Does the work, unless the same request was answered before; then gives that answer.
    ///
    /// `route` is method and path template, `body` the digest of what the request carries.
    ///
    /// # Errors
    /// [`Kind::Conflict`] while the same request is in work, [`Kind::IdempotencyKeyReused`] for another body under the
    /// same key; otherwise what the work answers.
    pub async fn run<W, A>(
        self,
        door: &Door,
        user: UserId,
        route: &'static str,
        body: B256,
        work: W,
    ) -> Result<Response, Problem>
    where
        W: Future<Output = Result<A, Problem>> + Send + 'static,
        A: IntoResponse + Send + 'static,
    {
        let (key, door) = (self.key(user, route), door.clone());
        to_the_end(async move {
            match first_answer(&door, key.as_ref(), body).await? {
                Some(kept) => replay(kept),
                None => Ok(work_through(&door, (key, None), work).await),
            }
        })
        .await
    }

    /// As [`Once::run`], of a message with its payload. Where that lies behind the message the request is the same only
    /// when both are: the payload of one that was answered before is read to its end, kept nowhere, and compared.
    ///
    /// # Errors
    /// As [`Once::run`]; also when the payload breaks off.
    pub async fn run_carried<M, W, A>(
        self,
        door: &Door,
        user: UserId,
        route: &'static str,
        carried: Carried<M>,
        work: impl FnOnce(M, Load) -> W + Send + 'static,
    ) -> Result<Response, Problem>
    where
        M: Send + 'static,
        W: Future<Output = Result<A, Problem>> + Send + 'static,
        A: IntoResponse + Send + 'static,
    {
        let (key, door) = (self.key(user, route), door.clone());
        let Carried { message, digest, payload } = carried;
        let (payload, imprint) = if key.is_some() { payload.imprinted() } else { (payload, None) };
        to_the_end(async move {
            match (first_answer(&door, key.as_ref(), digest).await?, imprint) {
                (Some(kept), None) => replay(kept),
                (Some(kept), Some(imprint)) => sent_again(kept, payload, &imprint).await,
                (None, imprint) => Ok(work_through(&door, (key, imprint), work(message, payload)).await),
            }
        })
        .await
    }

    fn key(self, user: UserId, route: &'static str) -> Option<Key> {
        self.0.map(|key| Key { user, route: route.to_owned(), key })
    }
}

/// Works in a task of its own: whoever hangs up stops nothing half-way.
///
/// # Errors
/// What the work says; an internal problem when it panics.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work.instrument(tracing::Span::current())).await.map_err(Problem::internal)?
}

/// The answer to the same request, if it was answered; nothing when it is a fresh one, which is begun by asking.
async fn first_answer(door: &Door, key: Option<&Key>, body: B256) -> Result<Option<KeptResponse>, Problem> {
    let Some(key) = key else { return Ok(None) };
    match door.access.begin(&door.aims.root_key, key, body).await? {
        Begun::Fresh => Ok(None),
        Begun::SameDone(kept) => Ok(Some(kept)),
        Begun::InFlight => Err(Problem::new(Kind::Conflict, "The same request is being worked on.").retry_after(1)),
        Begun::OtherBody => Err(reused()),
    }
}

fn reused() -> Problem {
    Problem::new(Kind::IdempotencyKeyReused, "This Idempotency-Key was used with another body.")
}

async fn sent_again(kept: KeptResponse, payload: Load, imprint: &Imprint) -> Result<Response, Problem> {
    let mut pieces = payload.begun().await?;
    while pieces.next().await.transpose()?.is_some() {}
    if imprint.get().is_some() && imprint.get() == kept.payload_sha256 { replay(kept) } else { Err(reused()) }
}

async fn work_through<W, A>(door: &Door, (key, imprint): (Option<Key>, Option<Imprint>), work: W) -> Response
where
    W: Future<Output = Result<A, Problem>> + Send + 'static,
    A: IntoResponse + Send + 'static,
{
    let signs = async {
        loop {
            tokio::time::sleep(SIGN_INTERVAL).await;
            if let Some(key) = &key
                && let Err(error) = door.access.touch(key).await
            {
                tracing::warn!(%error, "idempotency.no_sign_of_life");
            }
        }
    };
    let outcome = tokio::select! {
        outcome = AssertUnwindSafe(work).catch_unwind() => outcome,
        never = signs => never,
    };
    let response = match outcome {
        Ok(outcome) => outcome.into_response(),
        Err(_) => Problem::internal("the work panicked").into_response(),
    };
    match key {
        Some(key) => keep(door, (&key, imprint), response).await,
        None => response,
    }
}

async fn keep(door: &Door, (key, imprint): (&Key, Option<Imprint>), response: Response) -> Response {
    let status = response.status();
    let (parts, body) = response.into_parts();
    let bytes = match to_bytes(body, MOST_KEPT_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(error).into_response(),
    };
    let payload_sha256 = imprint.as_ref().and_then(Imprint::get);
    let whole = imprint.is_none() || payload_sha256.is_some();
    let settled = if whole && is_final(status) && parts.extensions.get::<AskedAnew>().is_none() {
        let headers = parts.headers.iter().filter(|(name, _)| *name != header::DATE);
        let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let (headers, body) = (headers.collect(), bytes.to_vec());
        let kept = KeptResponse { status: status.as_u16(), headers, body, payload_sha256 };
        door.access.finish(&door.aims.root_key, key, kept).await
    } else {
        door.access.abandon(key).await
    };
    if let Err(error) = settled {
        // The work is done and its answer stands; the key stays in flight until it is released: by the next start, or
        // after a quarter of an hour.
        tracing::error!(%error, "idempotency.not_kept");
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether the answer would be the same again.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error() && status != StatusCode::REQUEST_TIMEOUT && status != StatusCode::TOO_MANY_REQUESTS
}

fn replay(kept: KeptResponse) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).map_err(Problem::internal)?;
    for (name, value) in &kept.headers {
        let name = name.parse::<HeaderName>().map_err(Problem::internal)?;
        response.headers_mut().append(name, HeaderValue::from_str(value).map_err(Problem::internal)?);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_turn_out_otherwise_is_not_kept() {
        assert!(is_final(StatusCode::CREATED) && is_final(StatusCode::FORBIDDEN));
        assert!(!is_final(StatusCode::SERVICE_UNAVAILABLE) && !is_final(StatusCode::TOO_MANY_REQUESTS));
    }
}
