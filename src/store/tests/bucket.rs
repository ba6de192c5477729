//! The same store in a bucket. Run within `scripts/s3 run`, with `--run-ignored only`. That of several writers of one name
//! one wins is the bucket's promise; the small server of these tests looks and writes in two steps, and does not keep it.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use object_store::ObjectStoreExt;
use uuid::Uuid;

use super::{MIB, NO_LIMIT, item_key, objects::round_trips, payload, pieces, put, read};
use crate::store::{Error, Objects, Swept, objects::staging_path};

/// A prefix of its own in the bucket of this run.
fn bucket() -> Objects {
    let url = std::env::var("HBE_TEST_S3_URL").expect("run within scripts/s3 run");
    Objects::at(&format!("{url}/{}", Uuid::new_v4())).unwrap()
}

/// Everything in the bucket is an object of these names.
async fn holds(objects: &Objects, names: &[Uuid]) {
    let later = SystemTime::now() + Duration::from_secs(60);
    let swept = objects.sweep(&HashSet::from_iter(names.iter().copied()), later).await.unwrap();
    assert_eq!(swept, Swept::default());
}

#[tokio::test]
#[ignore = "needs a bucket"]
async fn payloads_of_all_sizes_come_back_from_a_bucket() {
    round_trips(&bucket()).await;
}

#[tokio::test]
#[ignore = "needs a bucket"]
async fn ranges_come_back_from_a_bucket() {
    let (objects, name, key, bytes) = (bucket(), Uuid::new_v4(), item_key(), payload(9 * MIB));
    put(&objects, name, &key, &bytes).await.unwrap();
    for range in [0..1, 65_535..65_537, 8_000_000..9_000_000] {
        let part = read(&objects, name, &key, Some(range.clone())).await.unwrap();
        assert!(part == bytes[range.start as usize..range.end as usize], "{range:?}");
    }
}

#[tokio::test]
#[ignore = "needs a bucket"]
async fn an_object_in_a_bucket_is_never_replaced() {
    let (objects, name, key) = (bucket(), Uuid::new_v4(), item_key());
    put(&objects, name, &key, b"first").await.unwrap();
    for size in [10, 20 * MIB] {
        let again = put(&objects, name, &key, &payload(size)).await;
        assert!(matches!(again, Err(Error::Exists { object }) if object == name));
    }
    assert_eq!(read(&objects, name, &key, None).await.unwrap(), b"first");
    holds(&objects, &[name]).await;
}

#[tokio::test]
#[ignore = "needs a bucket"]
async fn a_payload_beyond_its_limit_leaves_nothing_in_a_bucket() {
    let objects = bucket();
    for size in [10, 20 * MIB] {
        let bytes = payload(size + 1);
        let refused = objects.put(Uuid::new_v4(), &item_key(), pieces(&bytes, 100_000), size as u64).await;
        assert!(matches!(refused, Err(Error::TooLarge { .. })));
    }
    holds(&objects, &[]).await;
}

#[tokio::test]
#[ignore = "needs a bucket"]
async fn deleted_objects_and_unfinished_uploads_are_gone_from_a_bucket() {
    let (objects, name, key) = (bucket(), Uuid::new_v4(), item_key());
    objects.put(name, &key, pieces(b"payload", 3), NO_LIMIT).await.unwrap();
    objects.delete(name).await.unwrap();
    assert!(matches!(read(&objects, name, &key, None).await, Err(Error::Missing { .. })));
    objects.place.store.put(&staging_path(Uuid::new_v4()), "half".into()).await.unwrap();
    let earlier = SystemTime::now() - Duration::from_secs(60);
    assert_eq!(objects.sweep(&HashSet::new(), earlier).await.unwrap(), Swept::default(), "somebody else's is left");
    let later = SystemTime::now() + Duration::from_secs(60);
    assert_eq!(objects.sweep(&HashSet::new(), later).await.unwrap(), Swept { removed: 1, ..Swept::default() });
}

#[tokio::test]
async fn a_bucket_out_of_reach_is_an_error_and_not_an_absent_object() {
    use object_store::{BackoffConfig, RetryConfig, aws::AmazonS3Builder};
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let once = RetryConfig { max_retries: 0, retry_timeout: Duration::from_secs(1), backoff: BackoffConfig::default() };
    let store = AmazonS3Builder::new()
        .with_bucket_name("payloads")
        .with_region("nowhere")
        .with_endpoint(format!("http://{closed}"))
        .with_allow_http(true)
        .with_access_key_id("nobody")
        .with_secret_access_key("nothing")
        .with_retry(once)
        .build()
        .unwrap();
    let objects = Objects::over(std::sync::Arc::new(store));
    assert!(matches!(objects.contains(Uuid::new_v4()).await, Err(Error::Io { .. })));
    assert!(matches!(put(&objects, Uuid::new_v4(), &item_key(), b"payload").await, Err(Error::Io { .. })));
}
