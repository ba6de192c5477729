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
    api::{Bearer, Door, Kind, Problem},
    db::{DbError, notices::NoticeRow},
    domain::operation::Operation,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Notices read at once.
const MOST_AT_ONCE: u32 = 100;
/// How often a stream, quiet or busy, looks whether its Token was withdrawn.
const TOKEN_INTERVAL: Duration = Duration::from_secs(5);

/// Streams what concerns the caller
#[utoipa::path(get, path = "/events", tag = "service", security(("token" = [])),
    params(("Last-Event-ID" = Option<i64>, Header, description = "The last event seen; the stream goes on behind it.")),
    responses((status = 200, body = String, content_type = "text/event-stream",
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
                    let event = Event::default().id(notice.seq.to_string()).event(notice.kind);
                    yield Ok(event.data(notice.data.to_string()));
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
