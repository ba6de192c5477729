//! Tables as a whole: worked examples of the literature, every output counted, everything that is wrong with an input.

mod leaks;
mod sets;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    classes::{Criterion, Ladder, Population},
    hierarchy::Rule,
    lattice,
    plan::Roles,
    proof::{Reached, reached},
    sheet::{Persons, Sheet},
    treat,
};
use crate::{
    aims::ai_modules::{
        pseudonyms::Pseudonyms,
        treatment::{Treated, Treatment},
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

fn treated(kind: &str, format: DataFormat, table: &str, parameters: &Value) -> Result<Treated, String> {
    let mut parameters: Map<String, Value> = parameters.as_object().unwrap().clone();
    parameters.insert("DeIDAndAnonymType".to_owned(), kind.into());
    // As asked by the End User, where the test does not say otherwise.
    parameters.entry("ColumnsVouchedFor").or_insert(true.into());
    let pseudonyms = Pseudonyms::new([7; 32]);
    treat(&Treatment { format, parameters: &parameters, payload: table.as_bytes(), pseudonyms: &pseudonyms })
}

fn anonymised(table: &str, parameters: &Value) -> Result<Treated, String> {
    treated("Anonymise", DataFormat::Csv, table, parameters)
}

fn text(treated: &Treated) -> String {
    String::from_utf8(treated.payload.clone()).unwrap()
}

fn measure(treated: &Treated, name: &str) -> f64 {
    treated.measures.iter().find(|measure| measure.name == name).unwrap().value
}

fn roles(quasi: &[&str], sensitive: &[&str]) -> Roles {
    let asked = json!({"QuasiIdentifiers": quasi, "SensitiveColumns": sensitive});
    Roles::read(asked.as_object().unwrap()).unwrap()
}

fn each_row(table: &str) -> Vec<u32> {
    (0..table.lines().count() as u32 - 1).collect()
}

/// L. Sweeney, “Achieving k-anonymity privacy protection using generalization and suppression”, 2002, the private table
/// over race and ZIP with its generalisations: for k = 2 the minimal ones are GT[1,0] and GT[0,1].
#[test]
fn the_minimal_generalisations_of_the_textbook_are_found() {
    let table = "race,zip\nblack,02138\nblack,02139\nblack,02141\nblack,02142\n\
                 white,02138\nwhite,02139\nwhite,02141\nwhite,02142\n";
    let sheet = Sheet::open(DataFormat::Csv, table.as_bytes()).unwrap();
    let columns = sheet.read(&[0, 1]).unwrap();
    // The book's hierarchies end at person and 02***; the last level of ours, *, is never minimal here.
    let rules = [Rule::read("list black>person|white>person").unwrap(), Rule::read("prefix 4 3 2").unwrap()];
    let ladders: Vec<Ladder> = rules.iter().zip(&columns).map(|(rule, column)| Ladder::build(rule, column)).collect();
    let persons = Persons { count: 8, rows: (0..8).collect(), names: Vec::new() };
    let population = Population::gather(&columns, &[], &persons);
    let criterion = Criterion { k: 2, l: 1 };
    let mut minimal =
        lattice::minimal(&[2, 4], |node| population.look(&ladders, node, criterion).suppressed == 0).unwrap();
    minimal.sort();
    assert_eq!(minimal, [vec![0, 1], vec![1, 0]]);
}

/// L. Sweeney, “k-anonymity: a model for protecting privacy”, 2002, figure 2: k = 2 over race, birth, gender and ZIP; two
/// of its classes have one problem only, so l = 1.
#[test]
fn k_and_l_of_the_textbook_are_counted() {
    let table = "race,birth,gender,zip,problem\n\
        black,1965,m,0214*,short breath\nblack,1965,m,0214*,chest pain\nblack,1965,f,0213*,hypertension\n\
        black,1965,f,0213*,hypertension\nblack,1964,f,0213*,obesity\nblack,1964,f,0213*,chest pain\n\
        white,1964,m,0213*,chest pain\nwhite,1964,m,0213*,obesity\nwhite,1964,m,0213*,short breath\n\
        white,1967,m,0213*,chest pain\nwhite,1967,m,0213*,chest pain\n";
    let roles = roles(&["race", "birth", "gender", "zip"], &["problem"]);
    let found = reached(table.as_bytes(), b',', &roles, &each_row(table)).unwrap();
    assert_eq!(found, Reached { k: 2, l: 1, classes: 5, rows: 11 });
}

/// A. Machanavajjhala et al., “l-diversity”, 2007, the 4-anonymous inpatient table and its 3-diverse version.
#[test]
fn the_diverse_table_of_the_textbook_is_told_from_the_other() {
    let anonymous = "zip,age,nationality,condition\n\
        130**,<30,*,heart\n130**,<30,*,heart\n130**,<30,*,viral\n130**,<30,*,viral\n\
        1485*,>=40,*,cancer\n1485*,>=40,*,heart\n1485*,>=40,*,viral\n1485*,>=40,*,viral\n\
        130**,3*,*,cancer\n130**,3*,*,cancer\n130**,3*,*,cancer\n130**,3*,*,cancer\n";
    let diverse = "zip,age,nationality,condition\n\
        1305*,<=40,*,heart\n1305*,<=40,*,viral\n1305*,<=40,*,cancer\n1305*,<=40,*,cancer\n\
        1485*,>40,*,cancer\n1485*,>40,*,heart\n1485*,>40,*,viral\n1485*,>40,*,viral\n\
        1306*,<=40,*,heart\n1306*,<=40,*,viral\n1306*,<=40,*,cancer\n1306*,<=40,*,cancer\n";
    let count = |table: &str| {
        let roles = roles(&["zip", "age", "nationality"], &["condition"]);
        let found = reached(table.as_bytes(), b',', &roles, &each_row(table)).unwrap();
        (found.k, found.l)
    };
    assert_eq!(count(anonymous), (4, 1));
    assert_eq!(count(diverse), (4, 3));
}

#[test]
fn rows_of_one_person_count_once() {
    let table = "q\na\na\na\n";
    let found = reached(table.as_bytes(), b',', &roles(&["q"], &[]), &[0, 0, 1]).unwrap();
    assert_eq!((found.k, found.rows), (2, 3));
    let mut rows = "who,age,finding\n".to_owned();
    // Ten rows each of four persons: 40 rows that look alike are still four persons.
    for n in 0..40 {
        rows.push_str(&format!("w{},40,{}\n", n % 4, ["a", "b"][n % 2]));
    }
    let asked = json!({"PersonColumn": "who", "QuasiIdentifiers": ["age"], "SensitiveColumns": ["finding"], "K": 5});
    let refused = anonymised(&rows, &asked).unwrap_err();
    assert!(refused.contains("k = 5") && refused.contains("4 persons"), "{refused}");
}

fn cohort(count: usize) -> String {
    let rows = (0..count).map(|n| format!("{},{},{}\n", 20 + n % 37, 10_000 + n * 13 % 800, ["a", "b", "c"][n % 3]));
    format!("age,postcode,finding\n{}", rows.collect::<String>())
}

fn wanted() -> Value {
    json!({
        "OneRowPerPerson": true, "QuasiIdentifiers": ["age", "postcode"], "SensitiveColumns": ["finding"],
        "Generalisation": ["age: range 5 10 20", "postcode: prefix 4 3 2"], "K": 5, "L": 2,
    })
}

#[test]
fn what_is_anonymised_is_reported_as_it_is() {
    let done = anonymised(&cohort(200), &wanted()).unwrap();
    assert_eq!(done.status, DataStatus::Anonymised);
    assert!(measure(&done, "k") >= 5.0 && measure(&done, "l") >= 2.0);
    assert_eq!(measure(&done, "rows kept") + measure(&done, "rows suppressed"), 200.0);
    let lost = measure(&done, "normalised certainty penalty");
    assert!(lost > 0.0 && lost < 1.0, "{lost}");
    assert!(done.mapping.is_empty() && !done.residual.is_empty());
    // The order of the rows is that of what is left, not that of the persons.
    let written = text(&done);
    let lines: Vec<&str> = written.lines().skip(1).collect();
    assert!(lines.is_sorted());
}

#[test]
fn less_generalisation_loses_less() {
    let lost = |k: usize| {
        let mut asked = wanted();
        asked["K"] = k.into();
        measure(&anonymised(&cohort(400), &asked).unwrap(), "normalised certainty penalty")
    };
    assert!(lost(5) <= lost(11) && lost(11) <= lost(100), "{} {} {}", lost(5), lost(11), lost(100));
}

#[test]
fn columns_nobody_names_do_not_leave() {
    let whole = cohort(60);
    let table = whole.lines().enumerate().map(|(n, line)| match n {
        0 => format!("{line},remark\n"),
        n => format!("{line},told-{n}\n"),
    });
    let done = anonymised(&table.collect::<String>(), &wanted()).unwrap();
    assert!(!text(&done).contains("told") && !text(&done).contains("remark"));
    assert!(done.steps.iter().any(|step| step.rule.contains("1 columns that no parameter names")));
}

#[test]
fn both_falls_back_to_pseudonyms_and_says_why() {
    let mut asked = wanted();
    asked["K"] = 50.into();
    assert!(treated("Anonymise", DataFormat::Csv, &cohort(30), &asked).is_err());
    let done = treated("De-Identify and Anonymise", DataFormat::Csv, &cohort(30), &asked).unwrap();
    assert_eq!(done.status, DataStatus::Pseudonymised);
    assert!(done.residual[0].contains("not anonymised: k = 50"), "{:?}", done.residual);
    let done = treated("De-Identify and Anonymise", DataFormat::Csv, &cohort(200), &wanted()).unwrap();
    assert_eq!(done.status, DataStatus::Anonymised);
}

#[test]
fn one_person_is_never_anonymous() {
    for table in ["age,postcode,finding\n", "age,postcode,finding\n40,10000,a\n"] {
        let refused = anonymised(table, &wanted()).unwrap_err();
        assert!(refused.contains("pseudonymised, not anonymised"), "{refused}");
    }
    let mut asked = wanted();
    asked["PersonColumn"] = "who".into();
    asked.as_object_mut().unwrap().remove("OneRowPerPerson");
    let table = format!("who,{}", cohort(50).replace('\n', "\nme,"));
    let refused = anonymised(table.trim_end_matches("me,"), &asked).unwrap_err();
    assert!(refused.contains("holds 1 person"), "{refused}");
}

#[test]
fn tabulators_are_kept() {
    let done = treated("Anonymise", DataFormat::Tsv, &cohort(100).replace(',', "\t"), &wanted()).unwrap();
    assert!(text(&done).lines().all(|line| line.matches('\t').count() == 2));
}

#[test]
fn a_table_that_is_none_is_refused_in_words() {
    let whole = cohort(60);
    for (table, says) in [
        (String::new(), "name every column"),
        ("\n".to_owned(), "name every column"),
        ("age,,finding\n1,2,3\n".to_owned(), "name every column"),
        ("age,age,finding\n1,2,3\n".to_owned(), "same name"),
        (format!("{whole}44,10"), "row 61 has another number of cells"),
        (format!("{whole}44,10000,a,b\n"), "row 61 has another number of cells"),
        (format!("{whole}\"44,10000,a\n"), "quotation mark"),
        (format!("{whole}44,10\0,a\n"), "NUL"),
        (format!("{whole}44,{},a\n", "1".repeat(40_000)), "bytes in a cell"),
        ("x,postcode,finding\n1,2,3\n".to_owned(), "no column “age”"),
    ] {
        let refused = anonymised(&table, &wanted()).unwrap_err();
        assert!(refused.contains(says), "wanted “{says}”: {refused}");
    }
    let mut latin = whole.into_bytes();
    latin.extend(b"44,10000,\xe9\n");
    let pseudonyms = Pseudonyms::new([7; 32]);
    let mut parameters: Map<String, Value> = wanted().as_object().unwrap().clone();
    parameters.insert("DeIDAndAnonymType".to_owned(), "Anonymise".into());
    let input =
        Treatment { format: DataFormat::Csv, parameters: &parameters, payload: &latin, pseudonyms: &pseudonyms };
    assert!(treat(&input).unwrap_err().contains("UTF-8"));
}

#[test]
fn parameters_that_do_not_fit_are_refused_by_name() {
    for (name, value, says) in [
        ("K", json!(4), "at least 5"),
        ("K", json!("5"), "whole number"),
        ("L", json!(0), "at least 1"),
        ("SuppressionLimit", json!(0.5), "share from 0 to 0.2"),
        ("QuasiIdentifiers", json!([]), "at least one column"),
        ("QuasiIdentifiers", json!("age"), "list of names"),
        ("SensitiveColumns", json!(["age"]), "second time"),
        ("KeptColumns", json!(["remark"]), "no column “remark”"),
        ("Generalisation", json!(["age: range 5 12"]), "multiple of the one before"),
        ("Generalisation", json!(["age: any", "age: date"]), "two rules"),
        ("Generalisation", json!(["finding: any"]), "<quasi-identifier>: <rule>"),
        ("Generalisation", json!(["age: date"]), "do not fit its rule (a date"),
        ("OneRowPerPerson", json!(false), "PersonColumn"),
        ("PersonColumn", json!("age"), "contradicts"),
        ("Epsilon", json!(1), "no others than"),
    ] {
        let mut asked = wanted();
        asked[name] = value;
        let refused = anonymised(&cohort(60), &asked).unwrap_err();
        assert!(refused.contains(says), "{name}, wanted “{says}”: {refused}");
    }
}

#[test]
fn a_refusal_repeats_no_cell() {
    let table = cohort(60).replace("finding\n", "finding\nGeheimrat,Herzog,Kaiser\n");
    let refused = anonymised(&table, &wanted()).unwrap_err();
    assert!(refused.contains("1 values that do not fit"), "{refused}");
    assert!(!refused.contains("Geheimrat"), "{refused}");
}

#[test]
fn more_combinations_than_can_be_searched_are_refused() {
    let header: Vec<String> = (0..12).map(|n| format!("q{n}")).collect();
    let row = ["1"; 12].join(",");
    let table = format!("{}\n{}", header.join(","), format!("{row}\n").repeat(20));
    let asked = json!({
        "OneRowPerPerson": true, "QuasiIdentifiers": header,
        "Generalisation": header.iter().map(|name| format!("{name}: prefix 9 8 7 6 5")).collect::<Vec<_>>(),
    });
    assert!(anonymised(&table, &asked).unwrap_err().contains("combinations of generalisation levels"));
}

#[test]
fn a_sensitive_column_that_identifies_is_refused() {
    let table = cohort(60).replace("finding", "E-Mail");
    let mut asked = wanted();
    asked["SensitiveColumns"] = json!(["E-Mail"]);
    let refused = anonymised(&table, &asked).unwrap_err();
    assert!(refused.contains("looks like a direct identifier") && refused.contains("e-mail"), "{refused}");
}

#[test]
fn pseudonyms_keep_persons_together_and_identifiers_go() {
    let table = "who,name,age,seen\nw1,Ada Lovelace,36,2026-01-01\nw2,Alan Turing,41,2026-01-02\n\
                 w1,Ada Lovelace,36,2026-02-01T10:00:00Z\nw3,Grace Hopper,85,\n";
    let asked =
        json!({"PersonColumn": "who", "Identifiers": ["name"], "KeptColumns": ["age"], "DateColumns": ["seen"]});
    let done = treated("De-Identify", DataFormat::Csv, table, &asked).unwrap();
    assert_eq!(done.status, DataStatus::Pseudonymised);
    let written = text(&done);
    for told in ["Ada", "Lovelace", "Turing", "Hopper", "w1", "w2"] {
        assert!(!written.contains(told), "{written}");
    }
    let rows: Vec<Vec<&str>> = written.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][0], rows[2][0]);
    assert_ne!(rows[0][0], rows[1][0]);
    assert!(rows[0][2] < rows[2][2] && rows[2][2].ends_with("T10:00:00Z"), "the order of a person's dates is kept");
    assert_eq!(rows[3][2], "");
    assert_eq!(done.mapping.len(), 3);
    assert!(done.mapping.iter().any(|mapped| mapped.original == "w1" && mapped.pseudonym == rows[0][0]));
    let shown = format!("{:?} {:?} {:?}", done.steps, done.measures, done.residual);
    assert!(!shown.contains("Ada") && !shown.contains("w1"), "{shown}");
}

fn any_table() -> impl Strategy<Value = (String, Vec<u32>)> {
    let row = (0_u32..30, 18_u32..90, 0_u32..300, 0_u32..4, any::<bool>());
    prop::collection::vec(row, 0..120).prop_map(|rows| {
        let mut table = "person_no,age,place,finding,sex\n".to_owned();
        for (person, age, place, finding, sex) in &rows {
            let finding = if *finding == 3 { String::new() } else { format!("f{finding}") };
            table.push_str(&format!(
                "p{person},{age},{:05},{finding},{}\n",
                20_000 + place * 7,
                if *sex { "m" } else { "f" }
            ));
        }
        (table, rows.iter().map(|row| row.0).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the table: what is called anonymous has k persons and l values in every class, counted afresh; or nothing
    /// is called anonymous.
    #[test]
    fn the_output_is_anonymous_or_there_is_none((table, _) in any_table(), k in 5_usize..12, l in 1_usize..4) {
        let asked = json!({
            "OneRowPerPerson": true, "QuasiIdentifiers": ["age", "place", "sex"], "SensitiveColumns": ["finding"],
            "Generalisation": ["age: range 5 10 40", "place: prefix 3 1"], "K": k, "L": l, "SuppressionLimit": 0.2,
        });
        if let Ok(done) = anonymised(&table, &asked) {
            let written = text(&done);
            let mut classes: std::collections::HashMap<Vec<&str>, Vec<&str>> = std::collections::HashMap::new();
            for line in written.lines().skip(1) {
                let cells: Vec<&str> = line.split(',').collect();
                classes.entry(vec![cells[0], cells[1], cells[3]]).or_default().push(cells[2]);
            }
            prop_assert!(!classes.is_empty());
            for members in classes.values_mut() {
                prop_assert!(members.len() >= k);
                members.retain(|value| !value.is_empty());
                members.sort_unstable();
                members.dedup();
                prop_assert!(members.len() >= l || l == 1);
            }
            let left = written.lines().count() - 1;
            prop_assert!((table.lines().count() - 1 - left) as f64 <= 0.2 * (table.lines().count() - 1) as f64);
        }
    }

    /// With several rows per person, k is of persons.
    #[test]
    fn persons_are_counted_not_rows((table, persons) in any_table(), k in 5_usize..8) {
        let asked = json!({
            "PersonColumn": "person_no", "QuasiIdentifiers": ["age", "sex"], "Generalisation": ["age: range 10 40"], "K": k,
        });
        let mut different = persons.clone();
        different.sort_unstable();
        different.dedup();
        match anonymised(&table, &asked) {
            Ok(done) => {
                prop_assert!(different.len() >= k);
                prop_assert!(measure(&done, "k") >= k as f64);
                prop_assert!(measure(&done, "k") <= different.len() as f64);
                prop_assert!(!text(&done).contains("person_no"));
            }
            // All into one class always suffices, when there are enough persons.
            Err(why) => prop_assert!(different.len() < k, "{}", why),
        }
    }
}
