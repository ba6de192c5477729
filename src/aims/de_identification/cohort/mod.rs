//! **FHIR cohorts**: a Bundle (or NDJSON) of many patients becomes a table with one row for each person, and the table is
//! anonymised or de-identified as every [`table`] is. The result is CSV; nothing of the resources leaves but the columns.
//!
//! ```text
//! payload ─ people ─▶ each patient's resources ─ columns ─▶ one row per person ─▶ super::table ─▶ CSV
//!          (whose?)   (linked patients: refused)  (plan)      (CSV)               (k and l counted from what is written)
//! ```
//!
//! | Column | From | Role |
//! | --- | --- | --- |
//! | `Person` | the Patient's identity | names the person; removed, or a pseudonym |
//! | `BirthYear` | `Patient.birthDate`; of those over 89 one year for all | quasi-identifier |
//! | `Sex` | `Patient.gender` | quasi-identifier |
//! | `Country` `State` `Zip3` | the home address, by Safe Harbor ([`super::fhir`]) | quasi-identifiers |
//! | `Conditions` | the codes of all Conditions, one system for the whole cohort ([`conditions`]) | sensitive, a set |
//! | one for each of `Measures` | the newest value, in one unit | sensitive |
//!
//! | Parameter | Means | Without it |
//! | --- | --- | --- |
//! | `QuasiIdentifiers` | which of the five are in the table | all five; one that is empty for everybody is left out |
//! | `ConditionCodes` | the codes of interest; others are left out | all |
//! | `Measures` | names of measures of the clinical AI Module, such as `systolic blood pressure` | none |
//! | `Generalisation` `K` `L` `SuppressionLimit` | as of tables | `BirthYear: range 5 10 20 40`, `Zip3: prefix 2 1`; as of tables |
//!
//! A person with several conditions has one row with the set of them; what that means for diversity says
//! [`table::meaning`].

mod columns;
mod conditions;
mod error;
mod people;
mod plan;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::table::{self, TYPE_PARAMETER, VOUCHED_PARAMETER};
use crate::{
    aims::ai_modules::treatment::{Measure, Step, Treated, Treatment},
    schema::wire::{DataFormat, DeIdAndAnonymType},
};
use columns::Flat;
use error::CohortError;
use people::People;
use plan::Plan;

pub use plan::NAMES;

/// De-identifies or anonymises a cohort.
///
/// # Errors
/// What stands in the way, in words, without values.
pub fn treat(input: &Treatment<'_>) -> Result<Treated, String> {
    work(input).map_err(|error| error.to_string())
}

fn work(input: &Treatment<'_>) -> Result<Treated, CohortError> {
    let plan = Plan::read(input.parameters)?;
    let people = People::read(input.format, input.payload)?;
    let flat = Flat::of(&people, &plan)?;
    let asked = input.parameters.get(TYPE_PARAMETER).cloned();
    let parameters = for_the_table(&plan, &flat, asked);
    let table = Treatment {
        format: DataFormat::Csv,
        parameters: &parameters,
        payload: &flat.table,
        pseudonyms: input.pseudonyms,
    };
    let treated = table::treat(&table).map_err(|why| CohortError::Table(why, plan.narrows()))?;
    Ok(told(treated, &people, &flat))
}

/// The table's own parameters, of the columns that are there.
fn for_the_table(plan: &Plan, flat: &Flat, asked: Option<Value>) -> Map<String, Value> {
    let anonymises = asked != Some(json!(DeIdAndAnonymType::DeIdentify));
    let mut parameters = Map::from_iter([
        ("PersonColumn".to_owned(), json!(columns::PERSON)),
        ("QuasiIdentifiers".to_owned(), json!(flat.quasi)),
        ("SensitiveColumns".to_owned(), json!(flat.sensitive)),
        ("SetColumns".to_owned(), json!(flat.sets)),
        // What its columns are is known here; nobody need vouch for it.
        (VOUCHED_PARAMETER.to_owned(), json!(true)),
    ]);
    if anonymises || plan.has_rules() {
        parameters.insert("Generalisation".to_owned(), json!(plan.rules(&flat.quasi)));
    }
    parameters.extend(asked.map(|asked| (TYPE_PARAMETER.to_owned(), asked)));
    parameters.extend(plan.thresholds.clone());
    parameters
}

/// What the table's treatment says, and what was done before it.
fn told(mut treated: Treated, people: &People, flat: &Flat) -> Treated {
    let persons = people.persons.len() as u64;
    let before = [
        (
            "Removal of Identifiers",
            "FHIR cohort: resources read for the columns of the table, nothing else of them kept",
            people.resources as u64,
        ),
        ("Generalisation", "45 CFR 164.514(b)(2)(i)(C): of the birth date the year; one year for all over 89", persons),
        ("Generalisation", "45 CFR 164.514(b)(2)(i)(B): of the address country, State and three digits", persons),
    ];
    let steps = before.map(|(technique, rule, count)| Step { technique, rule: rule.to_owned(), count });
    treated.steps.splice(0..0, steps);
    let counts = [
        ("resources", people.resources),
        ("resources about nobody", people.of_nobody),
        ("resources about persons outside the cohort", people.of_others),
        ("conditions kept", flat.conditions.kept),
        ("conditions left out", flat.conditions.left_out),
    ];
    treated.measures.extend(counts.map(|(name, count)| Measure { name: name.to_owned(), value: count as f64 }));
    treated.residual.extend(flat.notes.iter().cloned());
    treated.residual.push(
        "persons were counted by their Patient resources: one person with two that are neither linked nor share an \
         identifier counts twice"
            .to_owned(),
    );
    treated
}
