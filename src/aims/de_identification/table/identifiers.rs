//! **What looks like a direct identifier.** A column that is kept is looked at by its name and by the form of its values;
//! one that looks like an identifier and was not named as one stops the treatment. A guard against oversight, not a proof:
//! what a column means only its owner knows.
//!
//! Names and forms follow the eighteen identifiers of the HIPAA Safe Harbor method, 45 CFR 164.514(b)(2)(i)(A)–(R).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    error::TableError,
    hierarchy::{Rule, number},
    meaning::{BETWEEN, members, unspelled},
    sheet::{Column, Persons},
};

/// Names of columns, letters and digits only, in lower case; and what they are.
const NAMES: &[(&str, &[&str])] = &[
    (
        "names, (A)",
        &[
            "name",
            "fullname",
            "firstname",
            "lastname",
            "surname",
            "forename",
            "givenname",
            "familyname",
            "middlename",
            "maidenname",
            "patientname",
            "patient",
            "nickname",
            "username",
            "contactname",
            "mothersmaidenname",
        ],
    ),
    ("street addresses, (B)", &["address", "street", "streetaddress", "homeaddress", "addressline", "addressline1"]),
    (
        "telephone numbers, (D)",
        &["phone", "phonenumber", "telephone", "mobile", "mobilephone", "cell", "cellphone", "tel"],
    ),
    ("fax numbers, (E)", &["fax", "faxnumber"]),
    ("e-mail addresses, (F)", &["email", "emailaddress", "mail"]),
    (
        "social security numbers, (G)",
        &[
            "ssn",
            "socialsecuritynumber",
            "nationalid",
            "nationalinsurancenumber",
            "taxid",
            "fiscalcode",
            "codicefiscale",
            "nhsnumber",
        ],
    ),
    ("medical record numbers, (H)", &["mrn", "medicalrecordnumber", "patientid", "recordnumber", "hospitalnumber"]),
    ("health plan numbers, (I)", &["insurancenumber", "policynumber", "memberid", "healthplannumber"]),
    ("account numbers, (J)", &["account", "accountnumber", "iban", "creditcard", "cardnumber"]),
    (
        "certificate or licence numbers, (K)",
        &["licensenumber", "licencenumber", "driverslicense", "drivinglicence", "passport", "passportnumber"],
    ),
    ("vehicle identifiers, (L)", &["vin", "licenseplate", "numberplate", "plate"]),
    ("device identifiers, (M)", &["deviceid", "serialnumber", "imei", "deviceserial", "macaddress"]),
    ("URLs, (N)", &["url", "website", "homepage"]),
    ("IP addresses, (O)", &["ip", "ipaddress"]),
    ("biometric identifiers, (P)", &["fingerprint", "voiceprint"]),
    ("photographs, (Q)", &["photo", "photograph", "portrait"]),
    ("any other identifying number, (R)", &["id", "uuid", "guid", "personid", "subjectid", "identifier"]),
];

/// A text longer than this is told rather than coded.
const LONGEST_CODE: usize = 128;
/// Fewer digits that count are a measurement's.
const LEAST_DIGITS: usize = 5;
/// Fewer persons say nothing about how unlike the values are.
const LEAST_PERSONS: usize = 20;

/// Refuses a column that looks like an identifier.
///
/// # Errors
/// [`TableError::Identifying`].
pub fn refuse_identifiers(name: &str, column: &Column, persons: usize) -> Result<(), TableError> {
    let looks = by_name(name).or_else(|| column.values.iter().find_map(|value| by_form(value)));
    let looks = looks.or_else(|| by_difference(column, persons));
    looks.map_or(Ok(()), |why| Err(TableError::Identifying { column: name.to_owned(), why }))
}

/// As [`refuse_identifiers`], of a column of sets: looked at is each value in them.
///
/// # Errors
/// [`TableError::Identifying`].
pub fn refuse_identifiers_in_sets(name: &str, column: &Column, persons: usize) -> Result<(), TableError> {
    let values: BTreeSet<String> = column.values.iter().flat_map(|set| members(set)).collect();
    refuse_identifiers(name, &Column { values: values.into_iter().collect(), rows: Vec::new() }, persons)
}

/// Refuses a column in which most persons who have a value have one of their own that could lead to them: a text, a date,
/// a whole number of many digits. A measurement has few digits or a fraction.
///
/// # Errors
/// [`TableError::Identifying`].
pub fn refuse_singletons(name: &str, column: &Column, is_set: bool, persons: &Persons) -> Result<(), TableError> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut number_of = |value: &str| {
        let next = known.len();
        *known.entry(unspelled(value)).or_insert(next)
    };
    let leading: Vec<Vec<usize>> = column
        .values
        .iter()
        .map(|value| parts(value, is_set).filter(|part| leads(part)).map(&mut number_of).collect())
        .collect();
    // Of each value its first holder, and whether there is another.
    let mut holders: Vec<Option<(u32, bool)>> = vec![None; known.len()];
    let mut having = HashSet::new();
    for (value, person) in column.rows.iter().zip(&persons.rows) {
        let value = *value as usize;
        if column.values.get(value).is_some_and(|value| !value.trim().is_empty()) {
            having.insert(*person);
        }
        for part in leading.get(value).into_iter().flatten() {
            let Some(holder) = holders.get_mut(*part) else { continue };
            let (first, shared) = holder.unwrap_or((*person, false));
            *holder = Some((first, shared || first != *person));
        }
    }
    let own = holders.iter().flatten().filter(|(_, shared)| !shared).count();
    match own * 2 > having.len() {
        true => Err(TableError::Identifying {
            column: name.to_owned(),
            why: "a text, date or long number that most persons have for themselves, (C) or (R)",
        }),
        false => Ok(()),
    }
}

fn parts(value: &str, is_set: bool) -> impl Iterator<Item = &str> {
    value.split(move |character| is_set && character == BETWEEN).map(str::trim).filter(|part| !part.is_empty())
}

/// Whether a value that one person has alone leads to that person.
fn leads(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    number(value).is_none_or(|number| number.fract() == 0.0 && digits.trim_matches('0').len() >= LEAST_DIGITS)
}

/// What a column looks like by its name.
pub fn by_name(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(what, _)| *what)
}

fn by_form(value: &str) -> Option<&'static str> {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    if value.chars().count() > LONGEST_CODE {
        return Some("free text");
    }
    if value.split_whitespace().any(is_mail_address) {
        return Some("e-mail addresses, (F)");
    }
    if lower.contains("http://") || lower.contains("https://") || lower.contains("www.") {
        return Some("URLs, (N)");
    }
    if value.parse::<std::net::IpAddr>().is_ok() {
        return Some("IP addresses, (O)");
    }
    if uuid::Uuid::try_parse(value).is_ok() {
        return Some("any other identifying number, (R)");
    }
    if has_shape(value, "ddd-dd-dddd") {
        return Some("social security numbers, (G)");
    }
    is_telephone(value).then_some("telephone numbers, (D)")
}

fn is_mail_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.trim_matches('.').contains('.'))
}

fn has_shape(value: &str, shape: &str) -> bool {
    let fits = |(character, wanted): (char, char)| match wanted {
        'd' => character.is_ascii_digit(),
        other => character == other,
    };
    value.chars().count() == shape.len() && value.chars().zip(shape.chars()).all(fits)
}

fn is_telephone(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let separated = value.starts_with('+') || value.contains([' ', '-', '(', '/']);
    let only = value.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '/' | '.'));
    only && separated && (9..=15).contains(&digits) && number(value).is_none() && Rule::Date.at(value, 0).is_none()
}

/// Texts that differ from nearly every person to the next.
fn by_difference(column: &Column, persons: usize) -> Option<&'static str> {
    let measured = |value: &String| value.is_empty() || number(value).is_some() || Rule::Date.at(value, 0).is_some();
    let unlike = persons >= LEAST_PERSONS && column.values.len() * 2 > persons;
    (unlike && !column.values.iter().all(measured)).then_some("a text that is another for most persons, (R)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(name: &str, values: &[&str]) -> Result<(), TableError> {
        let column = Column { values: values.iter().map(|v| (*v).to_owned()).collect(), rows: Vec::new() };
        refuse_identifiers(name, &column, values.len())
    }

    #[test]
    fn identifiers_are_known_by_name_and_by_form() {
        for name in ["Name", "patient_name", "E-Mail", "SSN", "Medical Record Number", "IP"] {
            assert!(looked_at(name, &[]).is_err(), "{name}");
        }
        for value in [
            "ada@example.org",
            "see https://example.org",
            "192.0.2.1",
            "2001:db8::1",
            "123-45-6789",
            "+44 20 7946 0958",
            "(555) 012-34567",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        ] {
            assert!(looked_at("x", &[value]).is_err(), "{value}");
        }
        assert!(looked_at("note", &[&"long ".repeat(40)]).is_err());
    }

    #[test]
    fn what_is_measured_or_coded_passes() {
        for value in ["", "72", "-3.5", "1964-09-27", "I48.0", "asthma", "m", "120/80", "1e5", "2026-03-01T09:00:00Z"] {
            assert_eq!(looked_at("x", &[value]), Ok(()), "{value}");
        }
    }

    #[test]
    fn a_text_that_nearly_everybody_has_for_themselves_is_not_kept() {
        let codes: Vec<String> = (0..40).map(|n| format!("code {n}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        assert!(looked_at("x", &codes).is_err());
        let numbers: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        assert_eq!(looked_at("x", &numbers.iter().map(String::as_str).collect::<Vec<_>>()), Ok(()));
    }
}
