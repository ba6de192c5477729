//! What the AI Modules declare, as a page for people (`docs/ai-modules.md`), and as an answer for each of the forty
//! processing types. `UPDATE_DOCS=1 cargo nextest run --test ai_modules` writes the page anew.

use std::{fmt::Write, fs, path::PathBuf};

use health_back_end::{
    domain::{
        operation::Operation,
        taxonomy::{DataClass, Word},
    },
    mpai_store::{
        processing::{self, Declaration, Performance},
        results,
    },
    schema::wire::DataFormat,
};
use serde_json::Value;

const HEAD: &str = "# AI Modules

Written from the declarations in `src/mpai_store/processing/`; `tests/ai_modules.rs` holds the two to each other. `GET /v1/service-info` lists the same.
A processing type on a class and format that nobody declares is answered `unprocessable`: \"no AIM in the Store performs this on this format\". Nothing is
made up. None of the results is a diagnosis: they are measurements, with the method that made them. [sources.md](sources.md) says what was checked.

A request may name the AIM by the parameter `AIMName`; otherwise the first that fits is taken.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for aim in processing::all() {
        describe(&mut page, aim).unwrap();
    }
    page
}

fn describe(page: &mut String, aim: &Declaration) -> std::fmt::Result {
    let formats: Vec<_> = aim.formats.iter().copied().map(DataFormat::word).collect();
    writeln!(
        page,
        "\n## {}\n\n{}. Reads `{}` as {}.",
        aim.aim_name,
        aim.description,
        aim.data_class.word(),
        formats.join(", ")
    )?;
    for performance in &aim.performs {
        match performance.dispatches_to {
            Some(to) => writeln!(page, "\n`{}` is answered by `{}`.", performance.processing_type.word(), to.word())?,
            None => perform(page, &aim.aim_name, performance)?,
        }
    }
    Ok(())
}

fn perform(page: &mut String, aim: &str, performance: &Performance) -> std::fmt::Result {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    writeln!(page, "\n### {}\n", performance.processing_type.word())?;
    writeln!(page, "| | |\n| --- | --- |\n| Result | {} |", text(&performance.result))?;
    let id = text(&performance.result_schema);
    let file = format!("../schemas/HBE/V1.0/results/{aim}/{}.json", performance.processing_type.word());
    writeln!(page, "| Result schema | [`{id}`]({file}) |")?;
    writeln!(page, "| Method | {} |\n| Source | {} |", text(&performance.method), text(&performance.source))?;
    let parameters = performance.parameters.as_ref().and_then(|schema| schema["properties"].as_object());
    for (name, schema) in parameters.into_iter().flatten() {
        writeln!(page, "| `{name}` | {} |", schema["description"].as_str().unwrap_or_default())?;
    }
    fields(page, &id)
}

/// The fields of a result, as its schema describes them.
fn fields(page: &mut String, id: &str) -> std::fmt::Result {
    let (_, schema) = results::TEXTS.iter().find(|(known, _)| *known == id).expect("a declared schema is there");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let needed = |name: &str| schema["required"].as_array().unwrap().iter().any(|label| label == name);
    writeln!(page, "\n| The result holds | |\n| --- | --- |")?;
    for (name, field) in schema["properties"].as_object().unwrap() {
        let description = field["description"].as_str().unwrap_or_default().replace('|', "\\|");
        let at_times = if needed(name) { "" } else { " (not always)" };
        writeln!(page, "| `{name}`{at_times} | {description} |")?;
    }
    Ok(())
}

#[test]
fn every_result_schema_is_declared_and_every_file_is_one_of_them() {
    let declared = processing::all().iter().flat_map(|aim| &aim.performs).filter_map(|p| p.result_schema.clone());
    let mut declared: Vec<_> = declared.collect();
    let mut known: Vec<_> = results::TEXTS.iter().map(|(id, _)| (*id).to_owned()).collect();
    declared.sort();
    known.sort();
    assert_eq!(declared, known);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas/HBE/V1.0/results");
    let aims = fs::read_dir(folder).unwrap().map(|aim| aim.unwrap().path());
    let files: usize = aims.map(|aim| fs::read_dir(aim).unwrap().count()).sum();
    assert_eq!(files, known.len(), "a file that nobody names, or a name without a file");
}

#[test]
fn the_page_says_what_is_declared() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/ai-modules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, page()).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap();
    assert_eq!(there, page(), "docs/ai-modules.md is not what the declarations say: UPDATE_DOCS=1");
}

#[test]
fn every_parameter_is_described() {
    for performance in processing::all().iter().flat_map(|aim| &aim.performs) {
        let properties = performance.parameters.as_ref().and_then(|schema| schema["properties"].as_object());
        for (name, schema) in properties.into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name} of {}", performance.processing_type.word());
        }
    }
}

#[test]
fn each_of_the_forty_types_is_performed_by_a_declared_aim_or_by_none() {
    let mut performed = Vec::new();
    for operation in Operation::processing_types() {
        for class in DataClass::ALL {
            for format in DataFormat::ALL {
                let Some(found) = processing::find(operation, *class, *format, None) else { continue };
                assert!(found.aim.reads(*class, *format));
                performed.push(operation);
            }
        }
    }
    performed.dedup();
    println!("{} of 40 processing types are performed", performed.len());
    assert_eq!(performed.len(), 35, "more is good and is said so here; less is a loss: {performed:?}");
}
