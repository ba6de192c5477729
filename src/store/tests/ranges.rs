//! Every range of an object against the same range of its payload.

use std::sync::{Arc, OnceLock};

use object_store::memory::InMemory;
use proptest::prelude::*;
use uuid::Uuid;

use super::{item_key, payload, put, read, runtime};
use crate::store::{
    Error, ItemKey, Objects,
    layout::{CHUNK_BYTES, HEADER_BYTES, Layout, TAG_BYTES},
};

const LENGTH: usize = 200 * 1024;

struct Fixture {
    runtime: tokio::runtime::Runtime,
    objects: Objects,
    name: Uuid,
    key: ItemKey,
    plain: Vec<u8>,
}

/// One object for all cases: reading changes nothing.
fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let (runtime, objects) = (runtime(), Objects::over(Arc::new(InMemory::new())));
        let (name, key, plain) = (Uuid::new_v4(), item_key(), payload(LENGTH));
        runtime.block_on(put(&objects, name, &key, &plain)).unwrap();
        Fixture { runtime, objects, name, key, plain }
    })
}

/// What a range must give: the slice, cut at the end, or a refusal when it holds no byte.
fn check(start: u64, end: u64) {
    let it = fixture();
    let got = it.runtime.block_on(read(&it.objects, it.name, &it.key, Some(start..end)));
    let cut = (end as usize).min(LENGTH);
    match got {
        Ok(bytes) => assert!(bytes == it.plain[start as usize..cut], "{start}..{end} is another slice"),
        Err(Error::OutOfRange { length }) => {
            assert_eq!(length, LENGTH as u64);
            assert!(start >= length || start >= end, "{start}..{end} was refused");
        }
        Err(other) => panic!("{start}..{end}: {other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_range_is_the_slice_of_the_payload(start in 0..210_000u64, end in 0..210_000u64) {
        check(start, end);
    }

    #[test]
    fn ranges_around_chunk_edges_are_slices_too(from in 0..4u64, to in 0..4u64, before in -2..=2i64, after in -2..=2i64) {
        let near = |chunk: u64, off: i64| (chunk * CHUNK_BYTES).saturating_add_signed(off);
        check(near(from, before), near(to, after));
    }

    #[test]
    fn layout_inverts_the_stored_length(plain in 0..1u64 << 47) {
        let chunks = plain.div_ceil(CHUNK_BYTES).max(1);
        let layout = Layout::of_stored(HEADER_BYTES + plain + chunks * TAG_BYTES).unwrap();
        prop_assert_eq!((layout.plain(), layout.last()), (plain, chunks - 1));
    }
}

#[test]
fn lengths_no_payload_seals_to_are_refused() {
    let full = HEADER_BYTES + CHUNK_BYTES + TAG_BYTES;
    for stored in [0, 1, HEADER_BYTES, HEADER_BYTES + TAG_BYTES - 1, full + 1, full + TAG_BYTES, u64::MAX] {
        assert_eq!(Layout::of_stored(stored), None, "{stored}");
    }
}

#[test]
fn ranges_at_the_far_end_of_the_numbers_are_answered() {
    check(0, u64::MAX);
    check(LENGTH as u64 - 1, u64::MAX);
    check(LENGTH as u64, u64::MAX);
    check(u64::MAX - 1, u64::MAX);
    check(u64::MAX, u64::MAX);
}

#[test]
fn no_range_of_an_empty_object_holds_a_byte() {
    let it = fixture();
    let name = Uuid::new_v4();
    it.runtime.block_on(async {
        put(&it.objects, name, &it.key, b"").await.unwrap();
        let refused = read(&it.objects, name, &it.key, Some(0..1)).await;
        assert!(matches!(refused, Err(Error::OutOfRange { length: 0 })));
    });
}
