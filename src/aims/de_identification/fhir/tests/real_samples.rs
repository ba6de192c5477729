//! The HL7 example resources, named by `HBE_SAMPLES`: their people are gone, their measurements stay.

use std::{fs, path::PathBuf};

use super::*;
use crate::aims::aih_data_processing::clinical::Record;

fn samples(test: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("HBE_SAMPLES").map(|folder| PathBuf::from(folder).join("fhir")).filter(|p| p.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED {test}: HBE_SAMPLES names no folder with the sample resources");
    }
    folder
}

#[test]
fn the_people_of_hl7_are_not_in_the_treated_samples() {
    let Some(folder) = samples("the_people_of_hl7_are_not_in_the_treated_samples") else { return };
    let known: [(&str, &[&str], &[&str]); 6] = [
        ("condition-example.json", &["Patient/example", "2012-05-24", "Burn"], &["39065001", "24484000"]),
        (
            "diagnosticreport-example.json",
            &["COYOTE", "23453", "Pathologist", "5234342", "Acme", "pat2", "1832473e", "+11:00", "JVBERi0"],
            &["58410-2", "718-7", "\"value\":176"],
        ),
        (
            "medicationrequest0301.json",
            &["Donald", "Pump", "Espinosa", "Careful", "12345689", "9876B1", "with food", "med0310"],
            &["430127000", "297217002"],
        ),
        (
            "observation-example.json",
            &["2016-03-28", "Patient/example", "acme", "lbs"],
            &["29463-7", "[lb_av]", "\"value\":185"],
        ),
        (
            "patient-example.json",
            &[
                "Chalmers",
                "Windsor",
                "Peter",
                "Jim",
                "5555",
                "3999",
                "Erewhon",
                "Rainbow",
                "Vic",
                "Bénédicte",
                "12345",
                "1974",
                "VV",
                "Acme",
            ],
            &["\"gender\":\"male\""],
        ),
        ("riskassessment-example.json", &["b248b1b2", "prognosis", "2006-01-13", "certainty"], &["probabilityDecimal"]),
    ];
    for (name, gone, kept) in known {
        let payload = fs::read(folder.join(name)).unwrap();
        let treated = treated(&payload, json!({}));
        let input = String::from_utf8(payload).unwrap();
        let output = String::from_utf8(treated.payload.clone()).unwrap();
        for text in gone {
            assert!(input.contains(text) && !output.contains(text), "{name}: {text}");
        }
        for text in kept {
            assert!(output.contains(text), "{name}: {text} in {output}");
        }
        Record::read(DataFormat::Fhir, &treated.payload).unwrap();
        println!("{name}: {:.2} of the elements removed", treated.measures[0].value);
    }
}
