//! Wrapping, and where the root key comes from.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::ITEM;
use crate::store::{EndUserKey, Error, ItemKey, RootKey, WrappedKey};

const ACCOUNT: &str = "eip155:31337:0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

fn root(byte: u8) -> RootKey {
    RootKey::from_base64(&BASE64.encode([byte; 32])).unwrap()
}

/// A path for a key file in a fresh folder.
fn key_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    (folder, path)
}

fn write(path: &PathBuf, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_hierarchy_survives_being_kept_as_text() {
    let (user, item) = (EndUserKey::generate(ACCOUNT).unwrap(), ItemKey::generate(ITEM).unwrap());
    let (user_text, item_text) = (user.wrap(&root(1)).unwrap().to_string(), item.wrap(&user).unwrap().to_string());
    let user = EndUserKey::unwrap(&WrappedKey::parse(user_text).unwrap(), &root(1), ACCOUNT).unwrap();
    let again = ItemKey::unwrap(&WrappedKey::parse(item_text).unwrap(), &user, ITEM).unwrap();
    assert_eq!(again.bytes(), item.bytes());
    assert_eq!(again.item(), ITEM);
}

#[test]
fn wrapping_twice_gives_different_texts() {
    let user = EndUserKey::generate(ACCOUNT).unwrap();
    assert_ne!(user.wrap(&root(1)).unwrap(), user.wrap(&root(1)).unwrap());
}

#[test]
fn the_wrong_wrapping_key_or_owner_is_refused() {
    let (user, item) = (EndUserKey::generate(ACCOUNT).unwrap(), ItemKey::generate(ITEM).unwrap());
    let (wrapped_user, wrapped_item) = (user.wrap(&root(1)).unwrap(), item.wrap(&user).unwrap());
    let other = EndUserKey::generate(ACCOUNT).unwrap();
    let refusals = [
        EndUserKey::unwrap(&wrapped_user, &root(2), ACCOUNT).err(),
        EndUserKey::unwrap(&wrapped_user, &root(1), "eip155:31337:0x0").err(),
        EndUserKey::unwrap(&wrapped_item, &root(1), ACCOUNT).err(),
        ItemKey::unwrap(&wrapped_item, &other, ITEM).err(),
        ItemKey::unwrap(&wrapped_item, &user, "urn:uuid:other").err(),
        ItemKey::unwrap(&wrapped_user, &user, ITEM).err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Some(Error::WrongKey { .. })), "{refusal:?}");
    }
}

#[test]
fn every_altered_byte_of_a_wrapped_key_is_noticed() {
    let user = EndUserKey::generate(ACCOUNT).unwrap();
    let bytes = BASE64.decode(user.wrap(&root(1)).unwrap().as_str()).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let opened =
            WrappedKey::parse(BASE64.encode(altered)).and_then(|key| EndUserKey::unwrap(&key, &root(1), ACCOUNT));
        assert!(matches!(opened, Err(Error::WrongKey { .. } | Error::MalformedKey(_))), "byte {at}: {opened:?}");
    }
}

#[test]
fn texts_that_are_no_wrapped_key_are_refused() {
    for text in ["", "not base64!", &BASE64.encode([1; 60]), &BASE64.encode([1; 62]), &BASE64.encode([2; 61])] {
        assert!(matches!(WrappedKey::parse(text), Err(Error::MalformedKey(_))), "{text}");
    }
}

#[test]
fn texts_that_are_no_root_key_are_refused() {
    for text in ["", "secret", &BASE64.encode([1; 31]), &BASE64.encode([1; 33])] {
        assert!(matches!(RootKey::from_base64(text), Err(Error::MalformedKey(_))), "{text}");
    }
}

#[test]
fn a_root_key_file_is_made_once_closed_to_others() {
    let (_folder, path) = key_file();
    let made = RootKey::load_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(RootKey::load_or_create(&path).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(RootKey::load(&path).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(RootKey::from_base64(&fs::read_to_string(&path).unwrap()).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(super::files(path.parent().unwrap()), [path]);
}

#[test]
fn starts_at_the_same_moment_agree_on_one_root_key() {
    let (_folder, path) = key_file();
    let made: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| RootKey::load_or_create(&path).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap().fingerprint()).collect()
    });
    assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
}

#[test]
fn an_absent_root_key_file_is_not_made_unasked() {
    let (_folder, path) = key_file();
    assert!(matches!(RootKey::load(&path), Err(Error::KeyFileAbsent(absent)) if absent == path));
    assert!(!path.exists());
}

#[test]
fn a_root_key_file_open_to_others_is_refused_and_left_alone() {
    let (_folder, path) = key_file();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601, 0o777] {
        write(&path, &BASE64.encode([1; 32]), mode);
        for opened in [RootKey::load(&path), RootKey::load_or_create(&path)] {
            assert!(matches!(opened, Err(Error::KeyFileExposed { mode: seen, .. }) if seen == mode), "{mode:o}");
        }
    }
    write(&path, &BASE64.encode([1; 32]), 0o400);
    assert_eq!(RootKey::load(&path).unwrap().fingerprint(), root(1).fingerprint());
}

#[test]
fn a_damaged_root_key_file_is_refused_never_replaced() {
    let (folder, path) = key_file();
    for text in ["", "garbage", &BASE64.encode([1; 16]), &"A".repeat(10_000)] {
        write(&path, text, 0o600);
        assert!(matches!(RootKey::load_or_create(&path), Err(Error::MalformedKey(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert!(matches!(RootKey::load_or_create(folder.path()), Err(Error::MalformedKey(_))));
    let nowhere = folder.path().join("no/such/folder/root.key");
    assert!(matches!(RootKey::load_or_create(&nowhere), Err(Error::KeyFile { .. })));
}

#[test]
fn printing_a_key_prints_its_kind_only() {
    let (user, item) = (EndUserKey::generate(ACCOUNT).unwrap(), ItemKey::generate(ITEM).unwrap());
    assert_eq!(format!("{:?} {user:?} {item:?}", root(1)), "RootKey(secret) EndUserKey(secret) ItemKey(secret)");
}

/// Does not compile if one of the keys can be cloned: then both implementations apply and `check` is ambiguous.
#[test]
fn keys_cannot_be_cloned() {
    trait Ambiguous<Which> {
        fn check() {}
    }
    struct Any;
    struct Cloneable;
    impl<T> Ambiguous<Any> for T {}
    impl<T: Clone> Ambiguous<Cloneable> for T {}
    <RootKey as Ambiguous<_>>::check();
    <EndUserKey as Ambiguous<_>>::check();
    <ItemKey as Ambiguous<_>>::check();
}
