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
    /// Techniques it applies.
    pub techniques: &'static [Technique],
    /// Names of the parameters it takes, besides [`super::request::RECIPIENT_PARAMETER`].
    pub parameters: &'static [&'static str],
    /// Whether it can prove more than pseudonymisation.
    pub anonymises: bool,
    /// The rules it follows.
    pub source: &'static str,
}

/// Every algorithm.
pub static ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        name: "DIA-TAB-V1.0",
        formats: &[DataFormat::Csv, DataFormat::Tsv],
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
        source: "Optimal full-domain k-anonymity (El Emam et al., JAMIA 16(5), 2009; Kohlmayer et al., Flash, 2012) with \
                 distinct l-diversity (Machanavajjhala et al., ACM TKDD 1(1), 2007)",
    },
    Algorithm {
        name: "DIA-DCM-V1.0",
        formats: &[DataFormat::Dicom],
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::DataMasking,
            Technique::Tokenisation,
            Technique::Perturbation,
        ],
        parameters: &["RetainLongitudinal", "RetainDevice", "PixelDataInspected"],
        anonymises: false,
        source: "DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile",
    },
    Algorithm {
        name: "DIA-FHR-V1.0",
        formats: &[DataFormat::Fhir, DataFormat::Ndjson],
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::Tokenisation,
            Technique::Perturbation,
            Technique::Generalisation,
        ],
        parameters: &["Dates"],
        anonymises: false,
        source: "HIPAA Safe Harbor, 45 CFR 164.514(b)(2), on FHIR R4 resources",
    },
    Algorithm {
        name: "DIA-SIG-V1.0",
        formats: &[DataFormat::Edf, DataFormat::EdfPlus, DataFormat::Bdf, DataFormat::BdfPlus, DataFormat::Wfdb],
        techniques: &[
            Technique::RemovalOfIdentifiers,
            Technique::DataMasking,
            Technique::Tokenisation,
            Technique::Perturbation,
        ],
        parameters: &["DateHandling", "Annotations"],
        anonymises: false,
        source: "EDF+ specification (Kemp and Olivan, Clin. Neurophysiol. 114, 2003) and WFDB Applications Guide, header(5), \
                 signal(5), annot(5); identifiers of 45 CFR 164.514(b)(2)",
    },
    Algorithm {
        name: "DIA-BEH-V1.0",
        formats: &[DataFormat::Json],
        techniques: &[Technique::RemovalOfIdentifiers, Technique::Tokenisation, Technique::Perturbation],
        parameters: &[],
        anonymises: false,
        source: "Accelerometry and step counts written anew from times and numbers; identifiers of 45 CFR 164.514(b)(2)",
    },
    Algorithm {
        name: "DIA-VCF-V1.0",
        formats: &[DataFormat::Vcf],
        techniques: &[Technique::RemovalOfIdentifiers, Technique::Tokenisation],
        parameters: &["KeepInfo", "KeepFormat"],
        anonymises: false,
        source: "VCF 4.3 specification: written anew from tokens of known shape; identifiers of 45 CFR 164.514(b)(2)",
    },
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

/// The algorithm for a format, when it does what is asked.
///
/// # Errors
/// What is not offered, by name.
pub fn choose(
    format: DataFormat,
    named: Option<Named>,
    asked: DeIdAndAnonymType,
) -> Result<&'static Algorithm, String> {
    let offered = ALGORITHMS.iter().find(|algorithm| algorithm.formats.contains(&format));
    let Some(algorithm) = offered else {
        return Err(format!("no de-identification is offered for the format {}", format.word()));
    };
    match named {
        Some(Named::Algorithm(named)) if named != algorithm => {
            return Err(format!("the algorithm {} does not treat the format {}", named.name, format.word()));
        }
        Some(Named::Technique(technique)) if !algorithm.techniques.contains(&technique) => {
            return Err(format!(
                "the technique {} is not offered for the format {}; offered are {}",
                word_of(technique),
                format.word(),
                algorithm.techniques.iter().map(|technique| word_of(*technique)).collect::<Vec<_>>().join(", ")
            ));
        }
        _ => {}
    }
    let groups = matches!(named, Some(Named::Technique(Technique::KAnonymity | Technique::LDiversity)));
    if groups && asked == DeIdAndAnonymType::DeIdentify {
        return Err("K Anonymity and L Diversity anonymise: ask for Anonymise, or for both".to_owned());
    }
    if asked == DeIdAndAnonymType::Anonymise && !algorithm.anonymises {
        return Err(format!(
            "a record of the format {} is one person's: {} can prove that it is Pseudonymised, not that it is Anonymised",
            format.word(),
            algorithm.name
        ));
    }
    Ok(algorithm)
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
    fn a_name_nobody_knows_is_refused_without_being_repeated() {
        for name in ["", "k-anonymity", "K-Anonymity", "ROT13", "DIA-TAB-V2.0"] {
            let why = read(name).unwrap_err();
            assert!(why.contains("DataProcessTechnique") && (name.is_empty() || !why.contains(name)), "{why}");
        }
    }

    #[test]
    fn no_format_is_treated_by_two() {
        for format in DataFormat::ALL {
            assert!(ALGORITHMS.iter().filter(|algorithm| algorithm.formats.contains(format)).count() < 2, "{format:?}");
        }
    }

    #[test]
    fn what_does_not_fit_the_format_or_the_type_is_refused_by_name() {
        use DeIdAndAnonymType::{Anonymise, DeIdentify};
        let of = |word: &str| Some(read(word).unwrap());
        assert!(choose(DataFormat::Csv, of("K Anonymity"), Anonymise).is_ok());
        assert!(choose(DataFormat::Csv, of("K Anonymity"), DeIdentify).unwrap_err().contains("K Anonymity"));
        assert!(choose(DataFormat::Dicom, of("K Anonymity"), Anonymise).unwrap_err().contains("K Anonymity"));
        assert!(choose(DataFormat::Dicom, of("DIA-TAB-V1.0"), DeIdentify).unwrap_err().contains("DIA-TAB-V1.0"));
        assert!(choose(DataFormat::Dicom, None, Anonymise).unwrap_err().contains("Pseudonymised"));
        assert!(choose(DataFormat::Png, None, DeIdentify).unwrap_err().contains("PNG"));
    }
}
