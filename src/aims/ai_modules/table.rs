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
}

/// The code of every AIM.
pub static MODULES: &[Module] = &[
    Module { aim: "AIP-BEH-V1.0", run: behaviour::run, observe: Some(behaviour::observe) },
    Module { aim: "AIP-ECG-V1.0", run: ecg::run, observe: Some(ecg::observe) },
    Module { aim: "AIP-EEG-V1.0", run: eeg::run, observe: Some(eeg::observe) },
    Module { aim: "AIP-FHR-V1.0", run: clinical::run, observe: Some(clinical::observe) },
    Module { aim: "AIP-IMG-V1.0", run: imaging::run, observe: Some(imaging::observe) },
    Module { aim: "AIP-NNB-V1.0", run: nn::run, observe: None },
    Module { aim: "AIP-VCF-V1.0", run: omics::run, observe: Some(omics::observe) },
];

/// The code that treats some formats of some classes.
#[derive(Debug, Clone, Copy)]
pub struct Treating {
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
        classes: SIGNALS,
        formats: &[DataFormat::Edf, DataFormat::EdfPlus, DataFormat::Bdf, DataFormat::BdfPlus],
        treat: edf::treat,
    },
    Treating { classes: SIGNALS, formats: &[DataFormat::Wfdb], treat: wfdb::treat },
    Treating { classes: &[DataClass::MedicalImaging], formats: &[DataFormat::Dicom], treat: dicom::treat },
    Treating {
        classes: &[DataClass::ClinicalRecord],
        formats: &[DataFormat::Fhir, DataFormat::Ndjson],
        treat: fhir::treat,
    },
    Treating {
        classes: &[DataClass::BehaviouralSignal],
        formats: &[DataFormat::Json],
        treat: de_identification::behaviour::treat,
    },
    Treating { classes: &[DataClass::Omics], formats: &[DataFormat::Vcf], treat: vcf::treat },
    Treating { classes: DataClass::ALL, formats: &[DataFormat::Csv, DataFormat::Tsv], treat: table::treat },
];

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

/// What treats this class and format.
pub fn treatment(class: DataClass, format: DataFormat) -> Option<Treat> {
    let fits = |treating: &&Treating| treating.classes.contains(&class) && treating.formats.contains(&format);
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
    fn no_two_treatments_claim_the_same_format_of_a_class() {
        for (index, one) in TREATMENTS.iter().enumerate() {
            for other in &TREATMENTS[index + 1..] {
                let common = one.classes.iter().any(|class| other.classes.contains(class))
                    && one.formats.iter().any(|format| other.formats.contains(format));
                assert!(!common, "{one:?} and {other:?}");
            }
        }
    }
}
