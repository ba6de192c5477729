//! **Which technique is offered for which format.** The standard's `DataProcessTechnique` has twelve words; a request may
//! name one of them, or an algorithm of this table, in `DeIDAndAnonymAlgoID`. A technique never comes alone: the whole
//! profile of the format is applied, so that naming one cannot weaken the others. What is not offered is refused by name.

use serde::{Deserialize, Serialize};

use crate::schema::wire::{DataFormat, DataProcessTechnique as Technique, DeIdAndAnonymType};

/// How one family of formats is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Algorithm {
    /// Its name.
    #[serde(rename = "DeIDAndAnonymAlgoID")]
    pub name: &'static str,
    /// Formats it treats.
    pub formats: &'static [DataFormat],
    /// Format of what it gives; none: the format it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gives: Option<DataFormat>,
    /// Techniques it applies.
    pub techniques: &'static [Technique],
    /// Names of the parameters it takes, besides [`super::request::RECIPIENT_PARAMETER`].
    pub parameters: &'static [&'static str],
    /// Whether it can prove more than pseudonymisation.
    pub anonymises: bool,
    /// Those of its parameters that say something of the data which it cannot see, and on which the status of the copy
    /// rests. For the item's End User and the Back End (decision 0100).
    #[serde(skip)]
    pub statements: &'static [&'static str],
    /// The rules it follows.
    pub source: &'static str,
}

/// Every algorithm.
pub static ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        name: "DIA-TAB-V1.0",
        formats: &[DataFormat::Csv, DataFormat::Tsv],
        gives: None,
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::Tokenisation,
            Technique::Perturbation,
            Technique::Generalisation,
            Technique::KAnonymity,
            Technique::LDiversity,
        ],
        parameters: super::table::plan::NAMES,
        anonymises: true,
        statements: &["OneRowPerPerson", "QuasiIdentifiers"],
        source: "Optimal full-domain k-anonymity (El Emam et al., JAMIA 16(5), 2009; Kohlmayer et al., Flash, 2012) with \
                 distinct l-diversity (Machanavajjhala et al., ACM TKDD 1(1), 2007)",
    },
    Algorithm {
        name: "DIA-DCM-V1.0",
        formats: &[DataFormat::Dicom],
        gives: None,
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::DataMasking,
            Technique::Tokenisation,
            Technique::Perturbation,
        ],
        parameters: &["RetainLongitudinal", "RetainDevice", "PixelDataInspected"],
        anonymises: false,
        statements: &["PixelDataInspected"],
        source: "DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile",
    },
    Algorithm {
        name: "DIA-FHR-V1.0",
        formats: &[DataFormat::Fhir, DataFormat::Ndjson],
        gives: None,
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::Tokenisation,
            Technique::Perturbation,
            Technique::Generalisation,
        ],
        parameters: &["Dates"],
        anonymises: false,
        statements: &[],
        source: "HIPAA Safe Harbor, 45 CFR 164.514(b)(2), on FHIR R4 resources",
    },
    Algorithm {
        name: "DIA-FHC-V1.0",
        formats: &[DataFormat::Fhir, DataFormat::Ndjson],
        gives: Some(DataFormat::Csv),
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::Tokenisation,
            Technique::Generalisation,
            Technique::KAnonymity,
            Technique::LDiversity,
        ],
        parameters: super::cohort::NAMES,
        anonymises: true,
        statements: &[],
        source: "FHIR R4 resources of many patients as a table, one row per person (birth year, sex and place by HIPAA Safe \
                 Harbor, 45 CFR 164.514(b)(2)), then as DIA-TAB-V1.0",
    },
    Algorithm {
        name: "DIA-SIG-V1.0",
        formats: &[DataFormat::Edf, DataFormat::EdfPlus, DataFormat::Bdf, DataFormat::BdfPlus, DataFormat::Wfdb],
        gives: None,
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::DataMasking,
            Technique::Tokenisation,
            Technique::Perturbation,
        ],
        parameters: &["DateHandling", "Annotations"],
        anonymises: false,
        statements: &[],
        source: "EDF+ specification (Kemp and Olivan, Clin. Neurophysiol. 114, 2003) and WFDB Applications Guide, header(5), \
                 signal(5), annot(5); identifiers of 45 CFR 164.514(b)(2)",
    },
    Algorithm {
        name: "DIA-BEH-V1.0",
        formats: &[DataFormat::Json],
        gives: None,
        techniques: &[Technique::RemovalOfIdentifiers, Technique::Tokenisation, Technique::Perturbation],
        parameters: &[],
        anonymises: false,
        statements: &[],
        source: "Accelerometry and step counts written anew from times and numbers; identifiers of 45 CFR 164.514(b)(2)",
    },
    Algorithm {
        name: "DIA-VCF-V1.0",
        formats: &[DataFormat::Vcf],
        gives: None,
        techniques: &[Technique::RemovalOfIdentifiers, Technique::Tokenisation],
        parameters: &["KeepInfo", "KeepFormat"],
        anonymises: false,
        statements: &["KeepInfo", "KeepFormat"],
        source: "VCF 4.3 specification: written anew from tokens of known shape; identifiers of 45 CFR 164.514(b)(2)",
    },
];

/// Techniques that an algorithm which can both de-identify and anonymise applies for the one or the other only.
const ONE_WAY: &[(&str, Technique, DeIdAndAnonymType)] = &[
    ("DIA-TAB-V1.0", Technique::Generalisation, DeIdAndAnonymType::Anonymise),
    ("DIA-TAB-V1.0", Technique::KAnonymity, DeIdAndAnonymType::Anonymise),
    ("DIA-TAB-V1.0", Technique::LDiversity, DeIdAndAnonymType::Anonymise),
    ("DIA-TAB-V1.0", Technique::Tokenisation, DeIdAndAnonymType::DeIdentify),
    ("DIA-TAB-V1.0", Technique::Perturbation, DeIdAndAnonymType::DeIdentify),
    ("DIA-FHC-V1.0", Technique::KAnonymity, DeIdAndAnonymType::Anonymise),
    ("DIA-FHC-V1.0", Technique::LDiversity, DeIdAndAnonymType::Anonymise),
    ("DIA-FHC-V1.0", Technique::Tokenisation, DeIdAndAnonymType::DeIdentify),
];

/// Why a technique is offered for no format at all.
const NOT_OFFERED: &[(Technique, &str)] = &[
    (
        Technique::Hashing,
        "a digest without a key can be tried out against a list of names; Tokenisation gives keyed pseudonyms",
    ),
    (Technique::DataAggregation, "a table of sums is another kind of data than the item; ask for it as a processing"),
    (
        Technique::DifferentialPrivacy,
        "it protects results that are computed over many, not a copy of an item; Federated Learning applies it",
    ),
    (Technique::SyntheticDataGeneration, "records that nobody has are no treated copy of this item"),
    (
        Technique::HomomorphicEncryption,
        "encrypted values are neither de-identified nor readable by the AI Modules here",
    ),
];

/// One of the twelve techniques, and what becomes of asking for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Offer {
    /// The technique.
    pub technique: Technique,
    /// Algorithms that apply it; none when it is refused.
    #[serde(rename = "DeIDAndAnonymAlgoIDs", skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<&'static str>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
}

/// All twelve techniques: offered by which algorithms, or refused and why.
pub fn offers() -> Vec<Offer> {
    let offer = |technique: &Technique| {
        let applying = ALGORITHMS.iter().filter(|algorithm| algorithm.techniques.contains(technique));
        let refused = NOT_OFFERED.iter().find(|(refused, _)| refused == technique).map(|(_, why)| *why);
        Offer { technique: *technique, algorithms: applying.map(|algorithm| algorithm.name).collect(), refused }
    };
    Technique::ALL.iter().map(offer).collect()
}

/// Reads `DeIDAndAnonymAlgoID` as far as it can be without the item.
///
/// # Errors
/// A name that is neither a technique nor an algorithm, or a technique nobody here performs, by name.
pub fn read(name: &str) -> Result<Named, String> {
    if let Some(algorithm) = ALGORITHMS.iter().find(|algorithm| algorithm.name == name) {
        return Ok(Named::Algorithm(algorithm));
    }
    let word = serde_json::Value::from(name);
    let Ok(technique) = Technique::deserialize(&word) else {
        return Err("DeIDAndAnonymAlgoID is neither a word of the taxonomy DataProcessTechnique nor the ID of an \
                    algorithm here"
            .to_owned());
    };
    match NOT_OFFERED.iter().find(|(refused, _)| *refused == technique) {
        Some((_, why)) => Err(format!("the technique {} is not offered: {why}", word_of(technique))),
        None => Ok(Named::Technique(technique)),
    }
}

/// What `DeIDAndAnonymAlgoID` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A technique.
    Technique(Technique),
    /// An algorithm.
    Algorithm(&'static Algorithm),
}

/// The algorithm for a format, when it does what is asked. Where two treat the format, it is the one that is named, or
/// that offers the technique named; without a name, whoever asks for anonymisation gets one that can prove it.
///
/// # Errors
/// What is not offered, by name.
pub fn choose(
    format: DataFormat,
    named: Option<Named>,
    asked: DeIdAndAnonymType,
) -> Result<&'static Algorithm, String> {
    let offered: Vec<&Algorithm> = ALGORITHMS.iter().filter(|algorithm| algorithm.formats.contains(&format)).collect();
    if offered.is_empty() {
        return Err(format!("no de-identification is offered for the format {}", format.word()));
    }
    let fitting: Vec<&Algorithm> = offered.iter().copied().filter(|algorithm| fits(algorithm, named)).collect();
    let wants_proof = asked != DeIdAndAnonymType::DeIdentify;
    let proving = fitting.iter().copied().find(|algorithm| algorithm.anonymises == wants_proof);
    let Some(algorithm) = proving.or_else(|| fitting.first().copied()) else {
        return Err(unfit(format, named, &offered));
    };
    must_be_applied(algorithm, named, asked)?;
    if asked == DeIdAndAnonymType::Anonymise && !algorithm.anonymises {
        return Err(format!(
            "a record of the format {} is one person's: {} can prove that it is Pseudonymised, not that it is Anonymised",
            format.word(),
            algorithm.name
        ));
    }
    Ok(algorithm)
}

/// A technique that is named is one that is applied, not only one that the algorithm knows.
fn must_be_applied(algorithm: &Algorithm, named: Option<Named>, asked: DeIdAndAnonymType) -> Result<(), String> {
    let Some(Named::Technique(technique)) = named else { return Ok(()) };
    let only =
        ONE_WAY.iter().find(|(name, one, _)| (*name, *one) == (algorithm.name, technique)).map(|(.., only)| *only);
    let word = word_of(technique);
    match (only, asked) {
        (Some(DeIdAndAnonymType::Anonymise), DeIdAndAnonymType::DeIdentify) => {
            Err(format!("{word} anonymises: ask for Anonymise, or for both"))
        }
        (Some(DeIdAndAnonymType::DeIdentify), DeIdAndAnonymType::Anonymise) => {
            Err(format!("{word} is no part of Anonymise: ask for De-Identify, or for both"))
        }
        _ => Ok(()),
    }
}

fn fits(algorithm: &'static Algorithm, named: Option<Named>) -> bool {
    match named {
        None => true,
        Some(Named::Algorithm(named)) => named == algorithm,
        Some(Named::Technique(technique)) => algorithm.techniques.contains(&technique),
    }
}

/// Why none of those that treat a format fits what is named.
fn unfit(format: DataFormat, named: Option<Named>, offered: &[&Algorithm]) -> String {
    let format = format.word();
    match named {
        Some(Named::Algorithm(named)) => format!("the algorithm {} does not treat the format {format}", named.name),
        Some(Named::Technique(technique)) => {
            let mut words = Vec::new();
            for technique in offered.iter().flat_map(|algorithm| algorithm.techniques) {
                let word = word_of(*technique);
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            let (word, words) = (word_of(technique), words.join(", "));
            format!("the technique {word} is not offered for the format {format}; offered are {words}")
        }
        None => format!("no de-identification is offered for the format {format}"),
    }
}

/// The parameters a request may carry for an algorithm; a stranger is refused, or a slip of the pen would go unnoticed.
///
/// # Errors
/// The names that are offered.
pub fn check_names<'a>(algorithm: &Algorithm, mut names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    if names.all(|name| algorithm.parameters.contains(&name)) {
        return Ok(());
    }
    let offered = match algorithm.parameters {
        [] => "no parameters".to_owned(),
        names => format!("no other parameters than {}", names.join(", ")),
    };
    Err(format!("the algorithm {} takes {offered}", algorithm.name))
}

/// A technique as the standard spells it.
pub fn word_of(technique: Technique) -> String {
    // A closed word list serialises to its words.
    serde_json::to_value(technique).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWELVE: [&str; 12] = [
        "Data Masking",
        "Data Aggregation",
        "Generalisation",
        "Perturbation",
        "Tokenisation",
        "Hashing",
        "Removal of Identifiers",
        "K Anonymity",
        "L Diversity",
        "Differential Privacy",
        "Synthetic Data Generation",
        "Homomorphic Encryption",
    ];

    #[test]
    fn each_of_the_twelve_is_offered_for_something_or_refused_by_name() {
        for word in TWELVE {
            match read(word) {
                Ok(Named::Technique(technique)) => {
                    assert_eq!(word_of(technique), word);
                    assert!(ALGORITHMS.iter().any(|algorithm| algorithm.techniques.contains(&technique)), "{word}");
                }
                Ok(Named::Algorithm(_)) => panic!("{word} is no algorithm"),
                Err(why) => assert!(why.contains(word), "{why}"),
            }
        }
    }

    #[test]
    fn all_twelve_are_told_with_who_applies_them_or_why_nobody_does() {
        let offers = offers();
        assert_eq!(offers.iter().map(|offer| word_of(offer.technique)).collect::<Vec<_>>().len(), TWELVE.len());
        for word in TWELVE {
            let offer = offers.iter().find(|offer| word_of(offer.technique) == word).unwrap();
            assert_eq!(offer.algorithms.is_empty(), offer.refused.is_some(), "{word}");
            assert_eq!(read(word).is_ok(), offer.refused.is_none(), "{word}");
        }
    }

    #[test]
    fn a_name_nobody_knows_is_refused_without_being_repeated() {
        for name in ["", "k-anonymity", "K-Anonymity", "ROT13", "DIA-TAB-V2.0"] {
            let why = read(name).unwrap_err();
            assert!(why.contains("DataProcessTechnique") && (name.is_empty() || !why.contains(name)), "{why}");
        }
    }

    #[test]
    fn statements_and_one_way_techniques_are_the_algorithms_own() {
        for algorithm in ALGORITHMS {
            assert!(algorithm.statements.iter().all(|name| algorithm.parameters.contains(name)), "{}", algorithm.name);
        }
        for (name, technique, _) in ONE_WAY {
            let algorithm = ALGORITHMS.iter().find(|algorithm| algorithm.name == *name).unwrap();
            assert!(algorithm.anonymises && algorithm.techniques.contains(technique), "{name}");
        }
    }

    #[test]
    fn of_those_that_treat_a_format_one_at_most_anonymises() {
        for format in DataFormat::ALL {
            for anonymises in [true, false] {
                let same = ALGORITHMS.iter().filter(|a| a.formats.contains(format) && a.anonymises == anonymises);
                assert!(same.count() < 2, "{format:?}");
            }
        }
    }

    #[test]
    fn a_record_and_a_cohort_are_told_apart_by_what_is_asked() {
        use DeIdAndAnonymType::{Anonymise, Both, DeIdentify};
        let name = |named: Option<&str>, asked| {
            choose(DataFormat::Fhir, named.map(|name| read(name).unwrap()), asked).map(|algorithm| algorithm.name)
        };
        assert_eq!(name(None, DeIdentify), Ok("DIA-FHR-V1.0"));
        assert_eq!(name(Some("Perturbation"), Both), Ok("DIA-FHR-V1.0"));
        assert_eq!(name(Some("DIA-FHR-V1.0"), Both), Ok("DIA-FHR-V1.0"));
        for asked in [Anonymise, Both] {
            assert_eq!(name(None, asked), Ok("DIA-FHC-V1.0"));
            assert_eq!(name(Some("L Diversity"), asked), Ok("DIA-FHC-V1.0"));
        }
        assert_eq!(name(Some("DIA-FHC-V1.0"), DeIdentify), Ok("DIA-FHC-V1.0"));
        assert!(name(Some("DIA-FHR-V1.0"), Anonymise).unwrap_err().contains("DIA-FHR-V1.0"));
        assert!(name(Some("K Anonymity"), DeIdentify).unwrap_err().contains("K Anonymity"));
        assert!(name(Some("Data Masking"), DeIdentify).unwrap_err().contains("Data Masking is not offered"));
        assert!(name(Some("DIA-TAB-V1.0"), Anonymise).unwrap_err().contains("does not treat the format FHIR"));
    }

    #[test]
    fn what_does_not_fit_the_format_or_the_type_is_refused_by_name() {
        use DeIdAndAnonymType::{Anonymise, DeIdentify};
        let of = |word: &str| Some(read(word).unwrap());
        assert!(choose(DataFormat::Csv, of("K Anonymity"), Anonymise).is_ok());
        assert!(choose(DataFormat::Csv, of("K Anonymity"), DeIdentify).unwrap_err().contains("K Anonymity"));
        for (word, other) in [("Generalisation", DeIdentify), ("Tokenisation", Anonymise), ("Perturbation", Anonymise)]
        {
            assert!(choose(DataFormat::Csv, of(word), other).unwrap_err().contains(word), "{word}");
            assert!(choose(DataFormat::Csv, of(word), DeIdAndAnonymType::Both).is_ok(), "{word}");
        }
        assert!(choose(DataFormat::Csv, of("Removal of Identifiers"), Anonymise).is_ok());
        assert!(choose(DataFormat::Fhir, of("Generalisation"), DeIdentify).is_ok());
        assert!(choose(DataFormat::Dicom, of("K Anonymity"), Anonymise).unwrap_err().contains("K Anonymity"));
        assert!(choose(DataFormat::Dicom, of("DIA-TAB-V1.0"), DeIdentify).unwrap_err().contains("DIA-TAB-V1.0"));
        assert!(choose(DataFormat::Dicom, None, Anonymise).unwrap_err().contains("Pseudonymised"));
        assert!(choose(DataFormat::Png, None, DeIdentify).unwrap_err().contains("PNG"));
    }
}
