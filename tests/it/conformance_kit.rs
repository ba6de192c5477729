//! The conformance kit against a running Back End: ours.

use std::path::Path;

use health_back_end::{
    front_end::conformance,
    schema::{
        MessageType,
        conformance::{Direction, EXAMPLES, Outcome, Report},
    },
};

use crate::environment::house::House;

#[tokio::test]
async fn this_back_end_conforms_to_what_the_kit_asks_of_any() {
    let house = House::start().await;
    let rpc = house.chain.devnet.url();
    let report = conformance::test(&house.url, Some(&rpc), Path::new(EXAMPLES)).await.unwrap();
    println!("{report}");
    let failures: Vec<_> = report.failures().map(|failure| (&failure.file, &failure.refusal)).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(report.examined.len() > 400, "{} messages", report.examined.len());
    // This house has no model in its Store, and no round has ended; `federated` exercises both.
    let rest = ["ML Model Object", "Federated Learn Response"];
    assert_eq!(not_exercised(&report), rest);
    // The kit brings an alert about, so what the SubAIMs exchange of ARA Data is seen too.
    let rows = report.sub_aims().flat_map(|(aim, rows)| rows.into_iter().map(move |row| (aim, row)));
    let ara: Vec<_> = rows.filter(|(_, row)| row.row.message == MessageType::AraData).collect();
    let seen: Vec<_> = ara.iter().map(|(aim, row)| (*aim, row.row.direction, row.outcome())).collect();
    assert_eq!(
        seen,
        [("AIH-HDP", Direction::Receives, Outcome::Conforms), ("AIH-ARA", Direction::Produces, Outcome::Conforms)]
    );
    // What was not sent is said, in words as in JSON.
    let (text, json) = (report.to_string(), report.to_json());
    let left_out = json["leftOut"].as_array().unwrap();
    assert!(!left_out.is_empty() && text.contains(&format!("Left out: {}", left_out.len())), "{text}");
    for left in left_out {
        let name = left.as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".json");
        assert!(text.contains(name), "{left}");
    }
    assert!(left_out.iter().all(|left| !left.as_str().unwrap().starts_with("ARA Data")), "{json}");
    let without_node = conformance::test(&house.url, None, Path::new(EXAMPLES)).await.unwrap();
    let of_the_chain = ["Licence Confirm Response", "Blockchain Licence Response"];
    assert!(of_the_chain.iter().all(|row| not_exercised(&without_node).contains(&(*row).to_owned())));
    house.stop().await;
}

/// The rows of Table 5 for which nothing was there.
pub fn not_exercised(report: &Report) -> Vec<String> {
    let rows = report.rows().into_iter().filter(|result| result.outcome() == Outcome::NotExercised);
    rows.map(|result| result.row.label()).collect()
}

/// A chain that holds another licence than was signed, and was never asked what was done, is found out.
#[tokio::test]
async fn what_the_chain_does_not_hold_does_not_conform() {
    let (house, other) = (House::start().await, House::start().await);
    // The same registry at the same address, and nothing of what the kit does with the first house.
    let rpc = other.chain.devnet.url();
    let report = conformance::test(&house.url, Some(&rpc), Path::new(EXAMPLES)).await.unwrap();
    let failures: Vec<_> = report.failures().map(|failure| failure.refusal.as_ref().unwrap().to_string()).collect();
    assert_eq!(failures, ["the chain holds no licence of the item that was uploaded"]);
    house.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn what_is_no_back_end_is_said_to_be_none() {
    let house = House::start().await;
    let url = format!("{}/v1", house.url);
    assert!(conformance::test(&url, None, Path::new(EXAMPLES)).await.is_err());
    house.stop().await;
}
