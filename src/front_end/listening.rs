//! The event stream of a Back End, read: Server-Sent Events as WHATWG defines them, as far as a Back End writes them.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::client::{Client, ClientError};

/// Longest event, in bytes; those of a Back End have a few hundred.
const MOST_BYTES: usize = 1 << 20;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// Its number; a stream goes on behind it.
    pub id: String,
    /// Kind, such as `alert.raised`.
    pub kind: String,
    /// Identifiers and words.
    pub data: Value,
}

/// An open stream.
pub struct Listener {
    bytes: std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    held: Vec<u8>,
}

impl Listener {
    /// Opens the stream; it begins with what happens next, or behind an event.
    ///
    /// # Errors
    /// When the Back End refuses.
    pub async fn open(client: &Client, after: Option<i64>) -> Result<Self, ClientError> {
        let answer = client.stream("/v1/events", after).await?;
        Ok(Self { bytes: Box::pin(answer.bytes_stream()), held: Vec::new() })
    }

    /// The next event; `None` when the Back End closed the stream.
    ///
    /// # Errors
    /// When the connection breaks, or an event is none.
    pub async fn next(&mut self) -> Result<Option<News>, ClientError> {
        loop {
            while let Some(end) = self.held.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.held.drain(..end + 2).collect();
                if let Some(news) = read(&event)? {
                    return Ok(Some(news));
                }
            }
            if self.held.len() > MOST_BYTES {
                return Err(ClientError::Lacks("an end of the event"));
            }
            match self.bytes.next().await {
                Some(bytes) => self.held.extend_from_slice(&bytes?),
                None => return Ok(None),
            }
        }
    }
}

/// One event; `None` for a comment, which keeps the connection alive.
fn read(event: &[u8]) -> Result<Option<News>, ClientError> {
    let text = std::str::from_utf8(event).map_err(|_| ClientError::Lacks("an event in UTF-8"))?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Some(data) = field("data") else { return Ok(None) };
    let data = serde_json::from_str(data).map_err(|_| ClientError::Lacks("an event in JSON"))?;
    let word = |name| field(name).unwrap_or_default().to_owned();
    Ok(Some(News { id: word("id"), kind: word("event"), data }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listener(pieces: &[&'static str]) -> Listener {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        Listener { bytes: Box::pin(futures_util::stream::iter(pieces)), held: Vec::new() }
    }

    #[tokio::test]
    async fn events_are_read_however_they_are_cut() {
        let mut listener = listener(&[
            ":\n\nid: 7\nev",
            "ent: alert.raised\ndata: {\"AlertID\"",
            ":\"x\"}\n\nid: 8\nevent: a\ndata: {}\n\n",
        ]);
        let first = listener.next().await.unwrap().unwrap();
        assert_eq!(first, News { id: "7".into(), kind: "alert.raised".into(), data: json!({"AlertID": "x"}) });
        assert_eq!(listener.next().await.unwrap().unwrap().id, "8");
        assert_eq!(listener.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_event_is_an_error() {
        assert!(listener(&["data: {\n\n"]).next().await.is_err());
        let endless: &'static str = "x".repeat(MOST_BYTES + 2).leak();
        assert!(listener(&[endless]).next().await.is_err());
    }
}
