//! What a sweep removes, reports and leaves alone.

use std::{
    collections::HashSet,
    fs,
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use super::{files, item_key, put, read, scratch};
use crate::store::Swept;

/// A moment after everything written so far.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn an_empty_store_has_nothing_to_sweep() {
    let (_folder, objects) = scratch();
    assert_eq!(objects.sweep(&HashSet::new(), later()).await.unwrap(), Swept::default());
}

#[tokio::test]
async fn unfinished_uploads_go_and_objects_stay() {
    let (folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    put(&objects, name, &key, b"payload").await.unwrap();
    let root = folder.path().join("store");
    fs::create_dir_all(root.join("staging")).unwrap();
    let left = [
        root.join(format!("staging/{}#1", Uuid::new_v4())),
        root.join(format!("staging/{}", Uuid::new_v4())),
        root.join(format!("objects/{}#1", Uuid::new_v4())),
        root.join(format!("objects/{name}#23")),
    ];
    for file in &left {
        fs::write(file, b"half of something").unwrap();
    }
    let swept = objects.sweep(&HashSet::from([name]), later()).await.unwrap();
    assert_eq!(swept, Swept { removed: left.len() as u64, ..Swept::default() });
    assert_eq!(files(folder.path()), [root.join(format!("objects/{name}"))]);
    assert_eq!(read(&objects, name, &key, None).await.unwrap(), b"payload");
}

#[tokio::test]
async fn uploads_and_objects_of_others_under_way_are_left_alone() {
    let (folder, objects) = scratch();
    let start = SystemTime::now() - Duration::from_secs(60);
    put(&objects, Uuid::new_v4(), &item_key(), b"just published, row not written yet").await.unwrap();
    fs::create_dir_all(folder.path().join("store/staging")).unwrap();
    for name in ["one", "two#1"] {
        fs::write(folder.path().join("store/staging").join(name), b"half").unwrap();
    }
    assert_eq!(objects.sweep(&HashSet::new(), start).await.unwrap(), Swept::default());
    assert_eq!(files(folder.path()).len(), 3);
}

#[tokio::test]
async fn names_are_compared_both_ways_and_nothing_complete_is_removed() {
    let (folder, objects) = scratch();
    let (known, orphan, missing) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    for name in [known, orphan] {
        put(&objects, name, &item_key(), b"payload").await.unwrap();
    }
    let shouting = orphan.to_string().to_uppercase();
    for stranger in ["notes.txt", &shouting] {
        fs::write(folder.path().join("store/objects").join(stranger), b"?").unwrap();
    }
    let mut swept = objects.sweep(&HashSet::from([known, missing]), later()).await.unwrap();
    swept.strangers.sort();
    let mut strangers = vec![format!("objects/{shouting}"), "objects/notes.txt".to_owned()];
    strangers.sort();
    assert_eq!(swept, Swept { removed: 0, orphans: vec![orphan], missing: vec![missing], strangers });
    assert_eq!(files(folder.path()).len(), 4);
}
