//! Receivers that mean harm, and names that change their minds: refused in bounded time and memory.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use health_back_end::{
    aims::{
        AimError,
        anomaly_and_risk::webhooks::{
            courier::Pace,
            target::{Names, Targets},
        },
    },
    db::deliveries::{DeliveryRow, DeliveryState, NewDelivery},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

use super::{receiver::Receiver, until};
use crate::environment::{
    PATIENT,
    house::{Client, House},
};

/// What an attempt may take with a receiver that keeps it waiting, and with one that does not: those must not fail for the
/// time a busy machine takes.
const IMPATIENT: Duration = Duration::from_millis(500);
const UNHURRIED: Duration = Duration::from_secs(20);
/// More than this never fits between a receiver and us unread: buffers of the system and of the client.
const MOST_BYTES: u64 = 16 << 20;

fn pace(attempt_time: Duration) -> Pace {
    let millis = Duration::from_millis;
    Pace { attempts: 2, first: millis(20), longest: millis(40), attempt_time }
}

fn here() -> Targets {
    Targets::new(vec!["127.0.0.0/8".parse().unwrap()])
}

/// Sends something to a webhook and waits for its end; gives it and how long it took.
async fn ended(house: &House, patient: &Client, webhook: Uuid) -> (DeliveryRow, Duration) {
    let begun = Instant::now();
    house.door.aims.ping_webhook(patient.user, webhook).await.unwrap();
    let row = until("the delivery ended", async || {
        let row = house.database.list_deliveries(webhook, 1).await.unwrap().remove(0);
        (row.state != DeliveryState::Waiting).then_some(row)
    })
    .await;
    (row, begun.elapsed())
}

/// A receiver that reads a request and then does what it likes; counts who came and what it got rid of.
struct Fiend {
    url: String,
    came: Arc<AtomicUsize>,
    wrote: Arc<AtomicU64>,
}

impl Fiend {
    async fn doing(act: impl Fn(TcpStream, Arc<AtomicU64>) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (came, wrote) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, written) = (came.clone(), wrote.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let _ = stream.read(&mut [0; 4_096]).await;
                tokio::spawn(act(stream, written.clone()));
            }
        });
        Self { url, came, wrote }
    }

    /// Says the same to everybody and hangs up.
    async fn answering(answer: String) -> Self {
        let answer: Arc<str> = answer.into();
        Self::doing(move |mut stream, _| {
            let answer = answer.clone();
            async move {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            .boxed()
        })
        .await
    }

    /// Writes a beginning and then a piece again and again, until nobody takes it any more.
    async fn flooding(beginning: &'static str, piece: &'static str) -> Self {
        let flood = move |mut stream: TcpStream, wrote: Arc<AtomicU64>| {
            async move {
                let mut next = stream.write_all(beginning.as_bytes()).await;
                while next.is_ok() {
                    next = stream.write_all(piece.as_bytes()).await;
                    wrote.fetch_add(piece.len() as u64, Ordering::Relaxed);
                }
            }
            .boxed()
        };
        Self::doing(flood).await
    }
}

#[tokio::test]
async fn floods_end_in_bounded_memory() {
    let house = House::delivering(here(), pace(UNHURRIED), |_| {}).await;
    let patient = house.end_user(PATIENT).await;
    let piece: &'static str = "x".repeat(64 << 10).leak();
    let header: &'static str = format!("X-Flood: {}\r\n", "x".repeat(8 << 10)).leak();
    let endless_body = Fiend::flooding("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", piece).await;
    let endless_head = Fiend::flooding("HTTP/1.1 200 OK\r\n", header).await;
    let endless_line = Fiend::flooding("HTTP/1.1 200 OK\r\nX-Flood: ", piece).await;
    let nonsense = Fiend::flooding("SSH-2.0-OpenSSH_9.6\r\n", "\0\0\0\0").await;
    for (what, fiend, taken) in [
        // What follows the status is not read at all, so it was taken.
        ("endless body", &endless_body, true),
        ("endless head", &endless_head, false),
        ("endless line", &endless_line, false),
        ("nonsense", &nonsense, false),
    ] {
        let webhook = house.door.aims.register_webhook(patient.user, &fiend.url).await.unwrap().id;
        let (row, time) = ended(&house, &patient, webhook).await;
        let expected = if taken { DeliveryState::Delivered } else { DeliveryState::GivenUp };
        assert_eq!(row.state, expected, "{what}: {:?}", row.reason);
        assert_eq!(fiend.came.load(Ordering::Relaxed), if taken { 1 } else { 2 }, "{what}");
        let wrote = fiend.wrote.load(Ordering::Relaxed);
        assert!(wrote < MOST_BYTES, "{what}: {wrote} bytes were taken");
        println!("{what}: {:?} after {time:?}, {wrote} bytes, {:?}", row.state, row.reason);
    }
    house.stop().await;
}

#[tokio::test]
async fn slow_answers_and_silence_end_in_bounded_time() {
    let house = House::delivering(here(), pace(IMPATIENT), |_| {}).await;
    let patient = house.end_user(PATIENT).await;
    let dripping = Fiend::doing(|mut stream, _| {
        async move {
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: 1234567890123456789012345678901234567890" {
                if stream.write_all(&[*letter]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
        .boxed()
    })
    .await;
    let silent = Fiend::doing(|stream, _| {
        async move {
            std::future::pending::<()>().await;
            drop(stream);
        }
        .boxed()
    })
    .await;
    for (what, fiend) in [("dripping", &dripping), ("silent", &silent)] {
        let webhook = house.door.aims.register_webhook(patient.user, &fiend.url).await.unwrap().id;
        let (row, time) = ended(&house, &patient, webhook).await;
        assert_eq!(row.state, DeliveryState::GivenUp, "{what}: {:?}", row.reason);
        // Two attempts, a pause, and room for a busy machine; the receivers themselves would keep them for ever.
        assert!(time < IMPATIENT * 2 + Duration::from_secs(20), "{what}: {time:?}");
        println!("{what}: {:?} after {time:?}, {:?}", row.state, row.reason);
    }
    house.stop().await;
}

/// Much waits for a receiver that says nothing, and somebody else is told all the same.
#[tokio::test]
async fn a_silent_receiver_keeps_nobody_elses_messages_waiting() {
    // Longer than the test may take.
    let house = House::delivering(here(), pace(Duration::from_secs(3_600)), |_| {}).await;
    let patient = house.end_user(PATIENT).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let aims = &house.door.aims;
    let hung = aims.register_webhook(patient.user, &url).await.unwrap().id;
    let before = house.clock.micros() - 1_000_000;
    let much: Vec<_> = (0..40)
        .map(|_| NewDelivery { id: Uuid::now_v7(), webhook: hung, body: "{}".into(), created_at_us: before })
        .collect();
    house.database.insert_deliveries(&much).await.unwrap();
    let refused = aims.ping_webhook(patient.user, hung).await;
    assert!(matches!(refused, Err(AimError::Conflict(_))), "{refused:?}");
    let receiver = Receiver::answering(&[]).await;
    let other = aims.register_webhook(patient.user, &receiver.url).await.unwrap().id;
    for count in 1..=3 {
        aims.ping_webhook(patient.user, other).await.unwrap();
        receiver.received(count).await;
    }
    let attempted = house.database.list_deliveries(hung, 100).await.unwrap();
    assert_eq!(attempted.iter().map(|row| row.attempts).sum::<u64>(), 1, "one at a time");
    // It is still under way: closed in order, the house would wait for it.
    drop(house);
}

#[tokio::test]
async fn a_redirect_into_the_house_is_not_followed() {
    let house = House::delivering(here(), pace(UNHURRIED), |_| {}).await;
    let patient = house.end_user(PATIENT).await;
    let inside = Fiend::answering("HTTP/1.1 204 No Content\r\n\r\n".to_owned()).await;
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", inside.url);
        let outside = Fiend::answering(answer).await;
        let webhook = house.door.aims.register_webhook(patient.user, &outside.url).await.unwrap().id;
        let (row, _) = ended(&house, &patient, webhook).await;
        let reason = format!("after 2 attempts: the receiver answered {}", &status[..3]);
        assert_eq!((row.state, row.reason), (DeliveryState::GivenUp, Some(reason)));
        house.door.aims.remove_webhook(patient.user, webhook).await.unwrap();
    }
    assert_eq!(inside.came.load(Ordering::Relaxed), 0);
    house.stop().await;
}

/// A name server that answers something else each time; the last answer stays.
#[derive(Debug)]
struct Fickle {
    answers: Mutex<Vec<Vec<SocketAddr>>>,
    asked: AtomicUsize,
}

impl Fickle {
    fn new(mut answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        answers.reverse();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

impl Names for Fickle {
    fn look_up<'a>(&'a self, name: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        async move {
            assert_eq!(name, "hooks.example.org");
            self.asked.fetch_add(1, Ordering::Relaxed);
            let mut answers = self.answers.lock().unwrap();
            Ok(if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() })
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_name_that_was_public_and_became_private_is_not_called() {
    let public: SocketAddr = "1.1.1.1:443".parse().unwrap();
    for private in ["127.0.0.1:443", "10.0.0.1:443", "169.254.169.254:443", "[::1]:443", "[::ffff:127.0.0.1]:443"] {
        let private: SocketAddr = private.parse().unwrap();
        // Alone, and hidden behind a public one.
        let names = Fickle::new(vec![vec![public], vec![private], vec![public, private]]);
        let house = House::delivering(Targets::with_names(Vec::new(), names.clone()), pace(UNHURRIED), |_| {}).await;
        let patient = house.end_user(PATIENT).await;
        let told = house.door.aims.register_webhook(patient.user, "https://hooks.example.org/x").await.unwrap();
        let (row, time) = ended(&house, &patient, told.id).await;
        let reason = "after 2 attempts: the host is not a public address".to_owned();
        assert_eq!((row.state, row.reason), (DeliveryState::GivenUp, Some(reason)), "{private}");
        assert!(time < UNHURRIED, "{time:?}");
        // And who is private from the beginning is not registered.
        let again = house.door.aims.register_webhook(patient.user, "https://hooks.example.org/x").await;
        again.unwrap_err();
        house.stop().await;
    }
}

/// Between judging an address and connecting to it nobody is asked for the name again: the connection goes to what was
/// judged, though the system knows no such name and the next answer would be another.
#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged() {
    let receiver = Receiver::answering(&[]).await;
    let judged: SocketAddr = receiver.url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap();
    let other = Fiend::answering("HTTP/1.1 204 No Content\r\n\r\n".to_owned()).await;
    let elsewhere: SocketAddr = other.url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let names = Fickle::new(vec![vec![judged], vec![judged], vec![elsewhere]]);
    let allowed = vec!["127.0.0.0/8".parse().unwrap()];
    let house = House::delivering(Targets::with_names(allowed, names.clone()), pace(UNHURRIED), |_| {}).await;
    let patient = house.end_user(PATIENT).await;
    let url = format!("http://hooks.example.org:{}/hook", judged.port());
    let told = house.door.aims.register_webhook(patient.user, &url).await.unwrap();
    let (row, _) = ended(&house, &patient, told.id).await;
    assert_eq!((row.state, row.reason), (DeliveryState::Delivered, None));
    assert_eq!(names.asked.load(Ordering::Relaxed), 2, "once to register, once for the attempt");
    let letter = receiver.received(1).await.remove(0);
    assert_eq!(letter.header("host"), format!("hooks.example.org:{}", judged.port()));
    assert_eq!(other.came.load(Ordering::Relaxed), 0);
    house.stop().await;
}
