//! What must not leave with a status it has not: identifiers told again, texts behind dates, values of one person alone, and
//! one person counted as many.

use super::*;

fn pseudonymised(table: &str, parameters: &Value) -> Result<Treated, String> {
    treated("De-Identify", DataFormat::Csv, table, parameters)
}

/// A table of so many persons in one class, with a column of what `cell` gives for each.
fn column_of(name: &str, count: usize, cell: impl Fn(usize) -> String) -> String {
    let rows = (0..count).map(|n| format!("f,{}\n", cell(n)));
    format!("sex,{name}\n{}", rows.collect::<String>())
}

fn in_one_class(sensitive: &str) -> Value {
    json!({"OneRowPerPerson": true, "QuasiIdentifiers": ["sex"], "SensitiveColumns": [sensitive], "K": 5})
}

#[test]
fn text_behind_a_date_stops_it() {
    let asked = json!({"PersonColumn": "who", "DateColumns": ["seen"]});
    for hidden in [" Ada Lovelace +44 20 7946 0958", "TAda", " ", "T10:00:00Z Ada", "T4711:0815"] {
        let table = format!("who,seen\nw1,2024-03-01{hidden}\nw2,2024-03-01T10:00:00Z\n");
        let refused = pseudonymised(&table, &asked).unwrap_err();
        assert!(refused.contains("“seen” holds 1 values that do not fit"), "{refused}");
        assert!(!refused.contains("Ada"), "{refused}");
    }
    let names = column_of("born", 30, |n| format!("1964-09-27 Name {n}"));
    let kept = json!({"PersonColumn": "born", "KeptColumns": ["sex"]});
    assert!(pseudonymised(&names, &kept).is_ok(), "as the person they are removed");
    let kept = json!({"OneRowPerPerson": true, "KeptColumns": ["born"]});
    assert!(pseudonymised(&names, &kept).unwrap_err().contains("looks like a direct identifier"));
    assert!(anonymised(&names, &in_one_class("born")).unwrap_err().contains("looks like a direct identifier"));
}

#[test]
fn a_value_of_one_person_alone_is_not_anonymous() {
    let name =
        |n: usize| format!("{} {}", ["Ada", "Alan", "Grace"][n % 3], ["Byron", "Hopper", "Turing", "Noether"][n % 4]);
    for (what, table) in [
        ("record numbers", column_of("no", 20, |n| (4_711_001 + n).to_string())),
        ("the same with a fraction of nothing", column_of("no", 20, |n| format!("00{}.0", 4_711_001 + n))),
        ("telephone numbers", column_of("no", 20, |n| (2_079_460_958 + n).to_string())),
        ("long numbers no f64 tells apart", column_of("no", 20, |n| format!("123456789012345{:02}", n + 10))),
        ("dates of birth", column_of("no", 20, |n| format!("1964-09-{:02}", n + 1))),
        ("names of few", column_of("no", 10, name)),
        (
            "some without one",
            column_of("no", 30, |n| if n % 2 == 0 { String::new() } else { (51_234 + n).to_string() }),
        ),
    ] {
        let refused = anonymised(&table, &in_one_class("no")).unwrap_err();
        assert!(refused.contains("“no” looks like a direct identifier"), "{what}: {refused}");
        let mut as_sets = in_one_class("no");
        as_sets["SetColumns"] = json!(["no"]);
        let refused = anonymised(&table, &as_sets).unwrap_err();
        assert!(refused.contains("“no” looks like a direct identifier"), "{what} as sets: {refused}");
    }
}

#[test]
fn measurements_and_codes_that_many_share_stay() {
    for (what, table) in [
        ("fractions", column_of("no", 20, |n| format!("{}.{:05}", 36 + n % 4, 12_345 + n))),
        ("whole numbers of few digits", column_of("no", 20, |n| (1_000 + n).to_string())),
        ("rounded counts", column_of("no", 20, |n| ((210 + n) * 1_000).to_string())),
        ("codes of two persons each", column_of("no", 10, |n| format!("I{}", n / 2))),
    ] {
        assert_eq!(
            anonymised(&table, &in_one_class("no")).map(|done| done.status),
            Ok(DataStatus::Anonymised),
            "{what}"
        );
    }
}

/// Rows of one person are told apart by who the person is, not by how many rows there are.
#[test]
fn a_value_in_all_rows_of_one_person_is_that_persons_alone() {
    let rows = (0..40).map(|n| format!("w{},f,{}\n", n % 20, 4_711_001 + n % 20));
    let table = format!("who,sex,no\n{}", rows.collect::<String>());
    let asked = json!({"PersonColumn": "who", "QuasiIdentifiers": ["sex"], "SensitiveColumns": ["no"], "K": 5});
    assert!(anonymised(&table, &asked).unwrap_err().contains("“no” looks like a direct identifier"));
}

#[test]
fn one_person_in_many_spellings_is_one() {
    let asked = json!({"PersonColumn": "who", "QuasiIdentifiers": ["age"], "SensitiveColumns": ["finding"], "K": 5});
    for spellings in [["P1", "p1", "P1 ", " P1", "P1\u{a0}", "P1"], ["7", "07", "7.0", " 7", "+7", "7.00"]] {
        let rows = spellings.iter().enumerate().map(|(n, who)| format!("{who},40,{}\n", ["a", "b"][n % 2]));
        let table = format!("who,age,finding\n{}", rows.collect::<String>());
        assert!(anonymised(&table, &asked).unwrap_err().contains("holds 1 person"));
        // Four others beside the one are five persons.
        let others = (2..6).map(|n| format!("P{n},40,{}\n", ["a", "b"][n % 2]));
        let done = anonymised(&format!("{table}{}", others.collect::<String>()), &asked).unwrap();
        assert_eq!((measure(&done, "k"), measure(&done, "persons")), (5.0, 5.0));
    }
}

#[test]
fn an_identifier_told_again_elsewhere_stops_it() {
    for (what, name, note) in [
        ("the whole name", "Alan Turing", "ALAN TURING is well"),
        ("half a name", "Ada Lovelace", "Mrs Lovelace called"),
        ("a short name", "Kay Lee-Smith", "kay called"),
        ("a number", "4711234", "see chart 4711234"),
        ("a number alone", "4711234", "4711234"),
        ("a number with a letter", "4711-A", "asthma (4711-A)"),
    ] {
        let table = format!("who,name,age,note\nw-00001,{name},36,{note}\nw-00002,Grace Hopper,85,is well\n");
        let asked = json!({"PersonColumn": "who", "Identifiers": ["name"], "KeptColumns": ["note"]});
        let refused = pseudonymised(&table, &asked).unwrap_err();
        assert!(refused.contains("“note” repeats identifiers"), "{what}: {refused}");
        // So does one that is removed because no parameter names it, but its own name does.
        let asked = json!({"PersonColumn": "who", "KeptColumns": ["note"]});
        assert!(pseudonymised(&table, &asked).unwrap_err().contains("“note” repeats"), "{what}");
        let asked = json!({"PersonColumn": "who", "Identifiers": ["name"], "DateColumns": ["note"]});
        assert!(pseudonymised(&table, &asked).unwrap_err().contains("2 values that do not fit"), "{what}");
    }
}

#[test]
fn an_identifier_told_again_stops_an_anonymised_table_too() {
    let row = |n: usize| format!("w{n},{},f,{}\n", 47_110 + n, ["asthma", "gout"][n % 2]);
    let table = |last: &str| format!("who,nr,sex,finding\n{}{last}", (0..12).map(row).collect::<String>());
    let asked = |identifiers: &[&str]| {
        json!({"PersonColumn": "who", "Identifiers": identifiers, "QuasiIdentifiers": ["sex"],
               "SensitiveColumns": ["finding"], "K": 5})
    };
    assert!(anonymised(&table(""), &asked(&["nr"])).is_ok());
    let told = table("w12,47122,f,asthma (47122)\n");
    assert!(anonymised(&told, &asked(&["nr"])).unwrap_err().contains("“finding” repeats identifiers"));
    let named = told.replace("who,nr,", "who,MRN,");
    assert!(anonymised(&named, &asked(&[])).unwrap_err().contains("“finding” repeats identifiers"));
}

/// A word of an address is no name where rows of other people have it too.
#[test]
fn a_word_that_means_something_else_does_not_stop_it() {
    let rows = (0..30).map(|n| {
        let street = ["High Street", "Mill Lane", "Station Road"][n % 3];
        format!("w{n},{n} {street},{}\n", ["high blood pressure", "asthma"][n / 3 % 2])
    });
    let table = format!("who,address,finding\n{}", rows.collect::<String>());
    let asked = json!({"PersonColumn": "who", "Identifiers": ["address"], "KeptColumns": ["finding"]});
    assert!(pseudonymised(&table, &asked).is_ok());
}

/// What a third party wants kept nobody vouches for: numbers that everybody has for themselves stay out.
#[test]
fn columns_nobody_vouches_for_are_held_to_more() {
    let numbers = column_of("no", 20, |n| (4_711_001 + n).to_string());
    let mut asked = json!({"OneRowPerPerson": true, "KeptColumns": ["no"]});
    assert_eq!(pseudonymised(&numbers, &asked).map(|done| done.status), Ok(DataStatus::Pseudonymised));
    for nobody in [json!(false), json!("true"), json!(null)] {
        asked["ColumnsVouchedFor"] = nobody;
        assert!(pseudonymised(&numbers, &asked).unwrap_err().contains("“no” looks like a direct identifier"));
    }
}

#[test]
fn what_goes_with_anonymising_is_refused_without_it() {
    let table = column_of("finding", 12, |n| ["a", "b"][n % 2].to_owned());
    let asked = json!({"OneRowPerPerson": true, "KeptColumns": ["finding"]});
    assert!(pseudonymised(&table, &asked).is_ok());
    for (name, value) in
        [("K", json!(5)), ("L", json!(2)), ("SuppressionLimit", json!(0.1)), ("Generalisation", json!(["sex: any"]))]
    {
        let mut more = asked.clone();
        more[name] = value;
        let refused = pseudonymised(&table, &more).unwrap_err();
        assert!(refused.contains(name) && refused.contains("goes with Anonymise"), "{refused}");
    }
}
