//! The conformance kit against a running Back End: ours.

use std::path::Path;

use health_back_end::{
    front_end::conformance,
    schema::conformance::{EXAMPLES, Outcome},
};

use crate::environment::house::House;

#[tokio::test]
async fn this_back_end_conforms_to_what_the_kit_asks_of_any() {
    let house = House::start().await;
    let report = conformance::test(&house.url, Path::new(EXAMPLES)).await.unwrap();
    println!("{report}");
    let failures: Vec<_> = report.failures().map(|failure| (&failure.file, &failure.refusal)).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(report.examined.len() > 400, "{} messages", report.examined.len());
    let produced = report.rows().into_iter().filter(|result| result.outcome() == Outcome::Conforms).count();
    assert!(produced >= 8, "{produced} rows of Table 5 were exercised");
    house.stop().await;
}

#[tokio::test]
async fn what_is_no_back_end_is_said_to_be_none() {
    let house = House::start().await;
    let url = format!("{}/v1", house.url);
    assert!(conformance::test(&url, Path::new(EXAMPLES)).await.is_err());
    house.stop().await;
}
