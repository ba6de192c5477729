//! Licence terms in plain language. The same function reads freshly compiled terms and terms fetched from the chain, so
//! what the End User is shown before signing and what the contract holds afterwards can be compared as text.

use alloy::primitives::Address;

use super::{
    operation::{Operation, Operations},
    taxonomy::{DataStatus, Word, WordSet},
    terms::{Grant, LicenceTerms},
    window::{Window, rfc3339},
};

/// The terms as sentences, one per right or limit.
pub fn read(terms: &LicenceTerms) -> Vec<String> {
    let mut sentences = vec![format!(
        "{} licenses one item of {} data {}.",
        terms.end_user.to_checksum(None),
        terms.data_class,
        during(&terms.window)
    )];
    sentences.push(back_end(terms));
    if terms.required_status > DataStatus::Identified {
        sentences.push(format!(
            "Apart from de-identification itself, only data that is {} or better may be used.",
            terms.required_status
        ));
    }
    if terms.grants.is_empty() {
        sentences.push("No third party may do anything with it.".to_owned());
    }
    sentences.extend(terms.grants.iter().map(|grant| third_party(grant, &terms.window)));
    sentences.push("The End User may use it without limits and may withdraw this licence at any time.".to_owned());
    sentences
}

fn back_end(terms: &LicenceTerms) -> String {
    if terms.operations.is_empty() {
        return "The Back End may do nothing with it on its own initiative.".to_owned();
    }
    format!(
        "The Back End may on its own initiative perform {} for {}.",
        operations(terms.operations),
        list(terms.usages)
    )
}

fn third_party(grant: &Grant, licence: &Window) -> String {
    let mut sentence = format!(
        "{} may ask for {} on {} data for {}",
        grantee(grant),
        operations(grant.operations),
        list(grant.data_classes),
        list(grant.usages)
    );
    if grant.window != *licence {
        sentence.push_str(&format!(" {}", during(&grant.window)));
    }
    if !grant.anomalies.is_empty() {
        sentence.push_str(&format!("; they receive findings of the types {}", list(grant.anomalies)));
    }
    sentence.push('.');
    sentence
}

fn grantee(grant: &Grant) -> String {
    let classes = list(grant.user_classes);
    match grant.user {
        Some(user) => format!("The user {} as {classes}", checksum(user)),
        None => format!("Every user who is {classes}"),
    }
}

fn checksum(user: Address) -> String {
    user.to_checksum(None)
}

fn during(window: &Window) -> String {
    format!("from {} until before {}", rfc3339(window.start()), rfc3339(window.end()))
}

fn operations(set: Operations) -> String {
    if !set.contains(Operation::AihDataProcessing) {
        return list(set);
    }
    let others: Operations =
        set.iter().filter(|o| !o.is_processing_type() && *o != Operation::AihDataProcessing).collect();
    if others.is_empty() {
        "every processing type".to_owned()
    } else {
        format!("every processing type, {}", list(others))
    }
}

fn list<W: Word>(set: WordSet<W>) -> String {
    let words: Vec<&str> = set.iter().map(Word::word).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::terms::tests::sample;

    #[test]
    fn a_licence_reads_as_sentences() {
        let sentences = read(&sample());
        assert_eq!(
            sentences[1],
            "The Back End may on its own initiative perform PhysiologicalEventDetection for Health Care."
        );
        assert_eq!(
            sentences[2],
            "Every user who is Non-Profit Entity may ask for PhysiologicalParameterQuantification on \
             PhysiologicalSignal data for Research."
        );
    }

    #[test]
    fn nothing_licensed_is_said() {
        let mut terms = sample();
        terms.operations = WordSet::EMPTY;
        terms.grants.clear();
        let text = read(&terms).join(" ");
        assert!(text.contains("The Back End may do nothing"));
        assert!(text.contains("No third party"));
    }
}
