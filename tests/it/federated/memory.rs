//! Aggregating streams: `hbe bench aggregation`, small enough for every run.

use health_back_end::bench::{Size, aggregation};

/// nextest gives each test a process of its own, so what is held is held by the rules.
#[test]
fn twenty_models_are_never_all_in_memory() {
    const MODELS: usize = 20;
    const MOST_HELD: f64 = 6.0;
    let measured = aggregation(&Size { models: MODELS, numbers: 1_000_000 }).unwrap();
    println!("{measured}");
    match measured.most_models_held() {
        Some(held) => assert!(held < MOST_HELD, "{held:.1} of {MODELS} models were held at once"),
        None => eprintln!("SKIPPED: this system does not tell the memory of a process"),
    }
}
