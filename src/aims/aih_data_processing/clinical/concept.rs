//! Codes: what stands in a `CodeableConcept` or `Coding`.

use serde::Serialize;
use serde_json::Value;

/// A code with its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Code<'a> {
    /// Address of the code system.
    pub system: &'a str,
    /// The code.
    pub code: &'a str,
}

/// The codes of a concept that say which system they are from.
pub fn codes(concept: Option<&Value>) -> Vec<Code<'_>> {
    let list = concept.and_then(|c| c.get("coding")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(coding).collect()
}

/// A `Coding`, when it names system and code.
pub fn coding(coding: &Value) -> Option<Code<'_>> {
    Some(Code { system: coding.get("system")?.as_str()?, code: coding.get("code")?.as_str()? })
}

/// The code a concept has in one system.
pub fn code_in<'a>(concept: Option<&'a Value>, system: &str) -> Option<&'a str> {
    codes(concept).into_iter().find(|c| c.system == system).map(|c| c.code)
}

/// Address of LOINC.
pub const LOINC: &str = "http://loinc.org";
/// Address of SNOMED CT.
pub const SNOMED_CT: &str = "http://snomed.info/sct";
/// Address of UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";

/// Whether a text has the form of a SNOMED CT concept identifier: 6 to 18 digits, the partition of concepts, and the
/// check digit of Verhoeff (SNOMED CT Release File Specification, section 5.4).
pub fn is_snomed_ct(code: &str) -> bool {
    let digits: Option<Vec<usize>> =
        code.bytes().rev().map(|b| b.is_ascii_digit().then(|| usize::from(b - b'0'))).collect();
    let Some(digits) = digits.filter(|digits| (6..=18).contains(&digits.len())) else { return false };
    let partition = (digits.get(2), digits.get(1));
    let check = digits.iter().enumerate().fold(0, |check, (place, digit)| {
        DIHEDRAL.get(check).and_then(|row| row.get(permuted(place % 8, *digit))).copied().unwrap_or(9)
    });
    matches!(partition, (Some(0 | 1), Some(0))) && check == 0 && !code.starts_with('0')
}

/// The multiplication table of the dihedral group of the pentagon.
const DIHEDRAL: [[usize; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// Verhoeff's permutation, applied `times` times.
fn permuted(times: usize, digit: usize) -> usize {
    const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    (0..times).fold(digit, |digit, _| PERMUTATION.get(digit).copied().unwrap_or(0))
}

/// Whether a text has the form of a LOINC code: digits, a hyphen, and the check digit modulo 10 (LOINC Users' Guide,
/// appendix C).
pub fn is_loinc(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else { return false };
    let digits: Option<Vec<u32>> = number.chars().rev().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (1..=7).contains(&digits.len())) else { return false };
    let sum: u32 =
        digits.iter().enumerate().map(|(at, d)| if at % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { *d }).sum();
    check.len() == 1 && check.parse::<u32>() == Ok((10 - sum % 10) % 10)
}

/// Whether a text has the form of a LOINC answer code: `LA`, up to six digits, a hyphen, a digit. Its last digit does not
/// follow the rule of the codes of observations.
pub fn is_loinc_answer(code: &str) -> bool {
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    code.strip_prefix("LA")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(n, check)| digits(n, 6) && digits(check, 1))
}
