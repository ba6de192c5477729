//! `GET /v1/events`: what concerns the caller, as it happens (Server-Sent Events). `Last-Event-ID` resumes behind an event;
//! without it the stream begins with what happens next. It ends when the Token does, and when the door closes.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Interval, MissedTickBehavior},
};

use crate::{
    access::{Caller, Scope},
    aims::driven::driven,
    api::{Bearer, Door, Kind, Problem, problem::astray},
    db::{DbError, notices::NoticeRow},
    domain::operation::Operation,
    schema::{ResourceType, validate_resource},
};
use serde_json::json;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Notices read at once.
const MOST_AT_ONCE: u32 = 100;
/// How often a stream, quiet or busy, looks whether its Token was withdrawn.
const TOKEN_INTERVAL: Duration = Duration::from_secs(5);

/// Streams what concerns the caller
#[utoipa::path(get, path = "/events", tag = "service", security(("token" = [])),
    params(("Last-Event-ID" = Option<i64>, Header, description = "The last event seen; the stream goes on behind it.")),
    responses((status = 200, body = ref("#/components/schemas/Event"), content_type = "text/event-stream",
        description = "`event` is the kind, `id` the number, `data` identifiers and words as JSON.")))]
pub async fn events(State(door): State<Door>, bearer: Bearer, headers: HeaderMap) -> Result<Response, Problem> {
    let seat = door.load.stream()?;
    let place = door.load.place_of(bearer.user())?;
    let after = match last_seen(&headers)? {
        Some(seen) => seen,
        None => door.aims.database.last_notice_seq().await?,
    };
    let bell = door.bell.listen(&door);
    let mut look = tokio::time::interval(TOKEN_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.reset();
    let reader = Reader { door, caller: bearer.0, after, bell, look, _seat: seat };
    let stream = driven(reader.stream()).inspect(move |_| {
        let _place = &place;
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|seen| *seen >= 0);
    number.map(Some).ok_or_else(|| Problem::new(Kind::MalformedRequest, "Last-Event-ID is the number of an event."))
}

/// A notice as an event. One that violates its schema is not sent; the log tells of it, and the stream goes on behind it,
/// for it would be there again after each reconnection.
fn written(notice: NoticeRow) -> Option<Event> {
    let NoticeRow { seq, kind, data, .. } = notice;
    let document = json!({"event": kind, "data": data});
    if let Err(violations) = validate_resource(ResourceType::Event, &document) {
        tracing::error!(event = seq, error = astray(ResourceType::Event, &violations), "event.not_sent");
        return None;
    }
    Some(Event::default().id(seq.to_string()).event(kind).data(document["data"].to_string()))
}

struct Reader {
    door: Door,
    caller: Caller,
    after: i64,
    bell: watch::Receiver<i64>,
    look: Interval,
    _seat: OwnedSemaphorePermit,
}

impl Reader {
    fn stream(mut self) -> impl Stream<Item = Result<Event, Infallible>> {
        async_stream::stream! {
            loop {
                let notices = match self.read().await {
                    Ok(notices) => notices,
                    Err(error) => {
                        tracing::warn!(%error, "notices.not_read");
                        return;
                    }
                };
                let more = notices.len() >= MOST_AT_ONCE as usize;
                for notice in notices {
                    self.after = notice.seq;
                    if let Some(event) = written(notice) {
                        yield Ok(event);
                    }
                }
                if !more && !self.wait().await {
                    return;
                }
            }
        }
    }

    /// What is for the caller, and for everybody in federated learning when the Token opens it.
    async fn read(&self) -> Result<Vec<NoticeRow>, DbError> {
        const SERVICE: Operation = Operation::FederatedLearning;
        let (database, user) = (&self.door.aims.database, self.caller.user);
        match self.caller.scopes.contains(&Scope::Service(SERVICE)) {
            true => database.list_notices_and_calls(user, SERVICE, self.after, MOST_AT_ONCE).await,
            false => database.list_notices(user, self.after, MOST_AT_ONCE).await,
        }
    }

    /// Waits for news; false when the stream is to end.
    async fn wait(&mut self) -> bool {
        loop {
            tokio::select! {
                // The bell rings for notices to anybody; it must not keep a Token from being looked at.
                biased;
                () = self.door.closing() => return false,
                _ = self.look.tick() => {
                    if !self.door.access.is_still_open(&self.caller).await {
                        return false;
                    }
                }
                rung = self.bell.changed() => {
                    if rung.is_err() {
                        self.bell = self.door.bell.listen(&self.door);
                    }
                    return !self.door.is_closing();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    fn notice(kind: &str, data: serde_json::Value) -> NoticeRow {
        let user = UserId::new(31_337, alloy::primitives::Address::ZERO);
        NoticeRow { seq: 7, user, kind: kind.to_owned(), data, created_at_us: 0 }
    }

    #[test]
    fn a_notice_that_violates_its_schema_is_not_sent() {
        let ids = json!({
            "AlertID": "0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e",
            "AIHDataID": "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e",
        });
        assert!(written(notice("alert.raised", ids.clone())).is_some());
        let mut more = ids.clone();
        more["Finding"] = json!("atrial fibrillation");
        assert!(written(notice("alert.raised", more)).is_none());
        assert!(written(notice("alert.sung", ids.clone())).is_none());
        assert!(written(notice("operation.ended", ids)).is_none());
    }
}
