//! **Tables** (CSV, TSV): a cohort, one row or several per person.
//!
//! | Asked for | Done |
//! | --- | --- |
//! | `De-Identify` | [`pseudonymise`]: identifiers removed, persons under pseudonyms, dates shifted. Pseudonymised |
//! | `Anonymise` | [`anonymise`]: k-anonymity and l-diversity by generalisation and suppression, proved from what was written. Anonymised, or refused |
//! | both | anonymised when that can be proved, else pseudonymised, and the report says why |
//!
//! | File | What |
//! | --- | --- |
//! | [`plan`] | the parameters |
//! | [`sheet`] | reading |
//! | [`hierarchy`] | how values are made coarser |
//! | [`classes`], [`lattice`] | which of all generalisations is the smallest that suffices |
//! | [`meaning`] | what counts as another sensitive value, and sets of them |
//! | [`proof`] | k and l, counted from what was written |
//! | [`identifiers`] | what looks like an identifier and was not named as one |
//! | [`repeats`] | removed identifiers that are told again in what is kept |

pub mod anonymise;
pub mod classes;
pub mod error;
pub mod hierarchy;
pub mod identifiers;
pub mod lattice;
pub mod meaning;
pub mod plan;
pub mod proof;
pub mod pseudonymise;
mod repeats;
pub mod sheet;
#[cfg(test)]
mod tests;

use serde_json::Value;

use error::TableError;
use plan::Roles;
use sheet::Sheet;

use crate::{
    aims::ai_modules::treatment::{Treated, Treatment},
    schema::wire::DeIdAndAnonymType,
};

/// The parameter by which the room says what was asked for; not one of the requester's.
pub const TYPE_PARAMETER: &str = "DeIDAndAnonymType";
/// The parameter by which the room says that whoever asked may vouch for which columns identify; not one of the
/// requester's. Without it nobody does.
pub const VOUCHED_PARAMETER: &str = "ColumnsVouchedFor";
/// Parameters that mean something only when a table is anonymised.
const OF_ANONYMISING: [&str; 4] = ["Generalisation", "K", "L", "SuppressionLimit"];

/// De-identifies or anonymises a table.
///
/// # Errors
/// What stands in the way, in words, without values.
pub fn treat(input: &Treatment<'_>) -> Result<Treated, String> {
    work(input).map_err(|error| error.to_string())
}

fn work(input: &Treatment<'_>) -> Result<Treated, TableError> {
    let asked = input.parameters.get(TYPE_PARAMETER).cloned().map(serde_json::from_value::<DeIdAndAnonymType>);
    let asked = asked.and_then(Result::ok).ok_or(TableError::parameter(TYPE_PARAMETER, "is missing"))?;
    let ours = [TYPE_PARAMETER, VOUCHED_PARAMETER];
    let known = |name: &String| ours.contains(&name.as_str()) || plan::NAMES.contains(&name.as_str());
    let stranger = !input.parameters.keys().all(known);
    if stranger {
        return Err(TableError::parameter("Parameters", format!("are no others than {}", plan::NAMES.join(", "))));
    }
    let idle = OF_ANONYMISING.into_iter().find(|name| input.parameters.contains_key(*name));
    if let Some(idle) = idle.filter(|_| asked == DeIdAndAnonymType::DeIdentify) {
        return Err(TableError::parameter(idle, "goes with Anonymise: nothing is generalised or counted without it"));
    }
    let vouched = input.parameters.get(VOUCHED_PARAMETER) == Some(&Value::Bool(true));
    let roles = Roles::read(input.parameters)?;
    let sheet = Sheet::open(input.format, input.payload)?;
    sheet.must_hold(&roles)?;
    match asked {
        DeIdAndAnonymType::DeIdentify => pseudonymise::pseudonymise(&sheet, &roles, input.pseudonyms, vouched),
        DeIdAndAnonymType::Anonymise => anonymise::anonymise(&sheet, &roles, input.parameters),
        DeIdAndAnonymType::Both => match anonymise::anonymise(&sheet, &roles, input.parameters) {
            Ok(treated) => Ok(treated),
            Err(why) => {
                let mut treated = pseudonymise::pseudonymise(&sheet, &roles, input.pseudonyms, vouched)?;
                treated.residual.insert(0, format!("not anonymised: {why}"));
                Ok(treated)
            }
        },
    }
}
