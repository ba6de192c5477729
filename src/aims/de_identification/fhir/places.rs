//! Addresses: country and State, and of a ZIP code of the USA three digits.
//!
//! 45 CFR 164.514(b)(2)(i)(B): the first three digits may stay when all ZIP codes with them hold more than 20,000 people,
//! otherwise they become `000`. The areas that do not are listed by HHS. Outside the USA only the country stays.

use serde_json::{Map, Value};

use super::codes::VOCABULARY;

/// An address as it is kept.
pub(in crate::aims::de_identification) fn address(value: &Value) -> Option<Value> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::trim);
    let country =
        text("country").map(str::to_ascii_uppercase).filter(|c| VOCABULARY.countries.iter().any(|known| known == c));
    let in_usa = match text("country") {
        None => true,
        Some(_) => matches!(country.as_deref(), Some("US" | "USA")),
    };
    let state = text("state").filter(|_| in_usa).and_then(state);
    let mut kept = Map::new();
    for (name, words) in
        [("use", ["home", "work", "temp", "old"].as_slice()), ("type", &["postal", "physical", "both"])]
    {
        if let Some(word) = text(name).filter(|word| words.contains(word)) {
            kept.insert(name.to_owned(), Value::from(word));
        }
    }
    let known_usa = country.is_some() && in_usa || state.is_some();
    if let Some(zip) = text("postalCode").filter(|_| known_usa).and_then(three_digits) {
        kept.insert("postalCode".to_owned(), Value::from(zip));
    }
    if let Some(state) = state {
        kept.insert("state".to_owned(), Value::from(state));
    }
    if let Some(country) = country {
        kept.insert("country".to_owned(), Value::from(country));
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn state(text: &str) -> Option<&'static str> {
    let known =
        |(short, long): &(&String, &String)| short.eq_ignore_ascii_case(text) || long.eq_ignore_ascii_case(text);
    VOCABULARY.states.iter().find(known).map(|(short, _)| short.as_str())
}

fn three_digits(zip: &str) -> Option<&str> {
    let (five, four) = zip.split_once('-').map_or((zip, "0000"), |(five, four)| (five, four));
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let three = five.get(..3).filter(|_| digits(five, 5) && digits(four, 4))?;
    Some(if VOCABULARY.small_zip.iter().any(|small| small == three) { "000" } else { three })
}
