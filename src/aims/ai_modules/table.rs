//! Which function performs which AIM of the MPAI Store, and which treats which format. What an AIM performs, on which
//! formats and with which parameters, its declaration says.

use serde_json::Value;

use super::{
    input::Input,
    observations::Observations,
    treatment::{Treated, Treatment},
};
use crate::{
    aims::{
        aih_data_processing::{behaviour, clinical, ecg, eeg, imaging, nn, omics},
        de_identification::{self, dicom, edf, fhir, table, vcf, wfdb},
    },
    domain::taxonomy::{DataClass, Word},
    schema::wire::DataFormat,
};

/// Processes a payload; says in words what is wrong with it, without its values.
pub type Run = fn(&Input<'_>) -> Result<Value, String>;
/// Measures what can be judged in a payload.
pub type Observe = fn(&Input<'_>) -> Result<Observations, String>;
/// Both, of one reading of the payload.
pub type Both = fn(&Input<'_>) -> (Result<Value, String>, Result<Observations, String>);
/// De-identifies or anonymises a payload.
pub type Treat = fn(&Treatment<'_>) -> Result<Treated, String>;

/// The code of an AIM.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// Its name in the MPAI Store.
    pub aim: &'static str,
    /// Processes.
    pub run: Run,
    /// Measures, where the AIM can.
    pub observe: Option<Observe>,
    /// Does both for little more than one costs, where the AIM can.
    pub both: Option<Both>,
}

/// The code of every AIM.
pub static MODULES: &[Module] = &[
    Module { aim: "AIP-BEH-V1.0", run: behaviour::run, observe: Some(behaviour::observe), both: None },
    Module { aim: "AIP-ECG-V1.0", run: ecg::run, observe: Some(ecg::observe), both: Some(ecg::run_and_observe) },
    Module { aim: "AIP-EEG-V1.0", run: eeg::run, observe: Some(eeg::observe), both: None },
    Module { aim: "AIP-FHR-V1.0", run: clinical::run, observe: Some(clinical::observe), both: None },
    Module { aim: "AIP-IMG-V1.0", run: imaging::run, observe: Some(imaging::observe), both: None },
    Module { aim: "AIP-NNB-V1.0", run: nn::run, observe: None, both: None },
    Module { aim: "AIP-VCF-V1.0", run: omics::run, observe: Some(omics::observe), both: None },
];

/// The code of an algorithm for some formats of some classes.
#[derive(Debug, Clone, Copy)]
pub struct Treating {
    /// The algorithm, as a request may name it.
    pub algorithm: &'static str,
    /// Classes of data.
    pub classes: &'static [DataClass],
    /// Formats.
    pub formats: &'static [DataFormat],
    /// Treats.
    pub treat: Treat,
}

/// Every treatment.
pub static TREATMENTS: &[Treating] = &[
    Treating {
        algorithm: "DIA-SIG-V1.0",
        classes: SIGNALS,
        formats: &[DataFormat::Edf, DataFormat::EdfPlus, DataFormat::Bdf, DataFormat::BdfPlus],
        treat: edf::treat,
    },
    Treating { algorithm: "DIA-SIG-V1.0", classes: SIGNALS, formats: &[DataFormat::Wfdb], treat: wfdb::treat },
    Treating {
        algorithm: "DIA-DCM-V1.0",
        classes: &[DataClass::MedicalImaging],
        formats: &[DataFormat::Dicom],
        treat: dicom::treat,
    },
    Treating { algorithm: "DIA-FHR-V1.0", classes: &[DataClass::ClinicalRecord], formats: RECORDS, treat: fhir::treat },
    Treating {
        algorithm: "DIA-FHC-V1.0",
        classes: &[DataClass::ClinicalRecord],
        formats: RECORDS,
        treat: de_identification::cohort::treat,
    },
    Treating {
        algorithm: "DIA-BEH-V1.0",
        classes: &[DataClass::BehaviouralSignal],
        formats: &[DataFormat::Json],
        treat: de_identification::behaviour::treat,
    },
    Treating {
        algorithm: "DIA-VCF-V1.0",
        classes: &[DataClass::Omics],
        formats: &[DataFormat::Vcf],
        treat: vcf::treat,
    },
    Treating {
        algorithm: "DIA-TAB-V1.0",
        classes: DataClass::ALL,
        formats: &[DataFormat::Csv, DataFormat::Tsv],
        treat: table::treat,
    },
];

/// Formats of FHIR resources.
const RECORDS: &[DataFormat] = &[DataFormat::Fhir, DataFormat::Ndjson];
/// Classes of recordings.
const SIGNALS: &[DataClass] =
    &[DataClass::PhysiologicalSignal, DataClass::NeurophysiologicalSignal, DataClass::BehaviouralSignal];

/// The code of an AIM.
pub fn module(aim: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.aim == aim)
}

/// What measures this class and format.
pub fn observer(class: DataClass, format: DataFormat) -> Option<Observe> {
    let declared = crate::mpai_store::processing::all().iter().filter(|aim| aim.reads(class, format));
    declared.filter_map(|aim| module(&aim.aim_name)?.observe).next()
}

/// What treats this class and format by an algorithm.
pub fn treatment(class: DataClass, format: DataFormat, algorithm: &str) -> Option<Treat> {
    let fits = |treating: &&Treating| {
        treating.algorithm == algorithm && treating.classes.contains(&class) && treating.formats.contains(&format)
    };
    TREATMENTS.iter().find(fits).map(|treating| treating.treat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpai_store::processing;

    #[test]
    fn every_declaration_has_its_code_and_every_code_its_declaration() {
        let mut declared: Vec<_> = processing::all().iter().map(|aim| aim.aim_name.as_str()).collect();
        let mut coded: Vec<_> = MODULES.iter().map(|module| module.aim).collect();
        declared.sort_unstable();
        coded.sort_unstable();
        assert_eq!(declared, coded);
    }

    #[test]
    fn every_algorithm_has_its_code_for_every_format_it_names() {
        use crate::aims::de_identification::techniques::ALGORITHMS;
        for treating in TREATMENTS {
            let algorithm = ALGORITHMS.iter().find(|algorithm| algorithm.name == treating.algorithm);
            let formats = algorithm.unwrap_or_else(|| panic!("{treating:?}")).formats;
            assert!(treating.formats.iter().all(|format| formats.contains(format)), "{treating:?}");
        }
        for algorithm in ALGORITHMS {
            for format in algorithm.formats {
                let code = |class: &&DataClass| treatment(**class, *format, algorithm.name).is_some();
                assert!(DataClass::ALL.iter().any(|class| code(&class)), "{} {format:?}", algorithm.name);
            }
        }
    }

    #[test]
    fn no_two_treatments_claim_the_same_format_of_a_class() {
        for (index, one) in TREATMENTS.iter().enumerate() {
            for other in &TREATMENTS[index + 1..] {
                let common = one.algorithm == other.algorithm
                    && one.classes.iter().any(|class| other.classes.contains(class))
                    && one.formats.iter().any(|format| other.formats.contains(format));
                assert!(!common, "{one:?} and {other:?}");
            }
        }
    }
}
