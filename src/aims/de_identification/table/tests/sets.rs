//! What counts as different: meanings, and sets of them.

use std::collections::{HashMap, HashSet};

use super::*;

/// Two ways to write one value are one value; and a condition that everybody in a class has is told of everybody, however
/// different the rest of their conditions is.
#[test]
fn diversity_is_of_meanings_and_of_sets_that_share_nothing() {
    let table = |findings: [&str; 6]| {
        let rows = findings.iter().map(|finding| format!("40,{finding}\n"));
        format!("age,finding\n{}", rows.collect::<String>())
    };
    let asked = json!({"OneRowPerPerson": true, "QuasiIdentifiers": ["age"], "SensitiveColumns": ["finding"], "K": 5});
    let spelled = table(["Gout", "gout", " gout", "GOUT", "gout ", "gout"]);
    assert!(anonymised(&spelled, &asked).unwrap_err().contains("cannot be reached"));
    assert_eq!(measure(&anonymised(&table(["7", "7.0", "7.00", "7", "8", "7"]), &asked).unwrap(), "l"), 2.0);

    let mut sets = asked.clone();
    sets["SetColumns"] = json!(["finding"]);
    let shared = table(["gout;flu", "gout", "gout;asthma", "gout", "gout;flu", "gout"]);
    assert_eq!(measure(&anonymised(&shared, &asked).unwrap(), "l"), 3.0, "as values they differ");
    assert!(anonymised(&shared, &sets).unwrap_err().contains("cannot be reached"));
    let diverse = table(["gout;flu", "flu", "gout;asthma", "asthma", "gout;flu", ""]);
    let done = anonymised(&diverse, &sets).unwrap();
    assert_eq!(measure(&done, "l"), 4.0, "four different sets; three of six lack gout, which is the commonest");
    assert!(text(&done).contains("gout;flu"));

    sets["SetColumns"] = json!(["age"]);
    assert!(anonymised(&diverse, &sets).unwrap_err().contains("SetColumns"));
    let mut several = json!({"PersonColumn": "age", "QuasiIdentifiers": ["finding"], "SensitiveColumns": [], "K": 5});
    several["SensitiveColumns"] = json!(["set"]);
    several["SetColumns"] = json!(["set"]);
    let rows = "age,finding,set\n1,a,x\n1,a,y\n2,a,x\n";
    assert!(anonymised(rows, &several).unwrap_err().contains("one row for each person"));
}

/// As [`the_output_is_anonymous_or_there_is_none`], of sets.
fn is_diverse(classes: &HashMap<Vec<String>, Vec<String>>, l: usize) -> bool {
    classes.values().all(|sets| {
        let different: HashSet<_> = sets.iter().filter(|set| !set.is_empty()).collect();
        let values: HashSet<&str> = sets.iter().flat_map(|set| set.split(';')).collect();
        let lacking = |value: &str| sets.iter().filter(|set| !set.split(';').any(|one| one == value)).count();
        different.len() >= l && values.iter().filter(|value| !value.is_empty()).all(|value| lacking(value) + 1 >= l)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the sets: in every class there are l different ones, and every value is lacked by l - 1 persons.
    #[test]
    fn sets_are_diverse_or_nothing_is_called_so(
        rows in prop::collection::vec((20_u8..60, prop::collection::btree_set("[a-e]", 0..4)), 5..60),
        l in 2_usize..4,
    ) {
        let lines = rows.iter().map(|(age, set)| {
            format!("{age},{}\n", set.iter().cloned().collect::<Vec<_>>().join(";"))
        });
        let table = format!("age,found\n{}", lines.collect::<String>());
        let asked = json!({
            "OneRowPerPerson": true, "QuasiIdentifiers": ["age"], "SensitiveColumns": ["found"], "SetColumns": ["found"],
            "Generalisation": ["age: range 5 10 40"], "K": 5, "L": l, "SuppressionLimit": 0.2,
        });
        if let Ok(done) = anonymised(&table, &asked) {
            let mut classes: HashMap<Vec<String>, Vec<String>> = HashMap::new();
            for line in text(&done).lines().skip(1) {
                let (age, set) = line.split_once(',').unwrap();
                classes.entry(vec![age.to_owned()]).or_default().push(set.trim_matches('"').to_owned());
            }
            prop_assert!(!classes.is_empty() && is_diverse(&classes, l), "{:?}", classes);
            prop_assert!(measure(&done, "l") >= l as f64);
        }
    }
}
