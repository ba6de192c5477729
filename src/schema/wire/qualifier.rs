//! The Qualifier: what kind of data a payload is.

use serde::{Deserialize, Serialize};

use crate::domain::taxonomy::DataClass;

/// `AIHDataQualifier`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Qualifier {
    /// Class of the data; the one its Model Licence names.
    pub data_class: DataClass,
    /// File or message format of the payload.
    pub format: DataFormat,
    /// Media type (RFC 6838).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What is known of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
}

macro_rules! data_formats {
    ($($variant:ident = $word:literal;)+) => {
        /// A file or message format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum DataFormat {
            $(#[doc = concat!("`", $word, "`")] #[serde(rename = $word)] $variant,)+
        }

        impl DataFormat {
            /// Every format.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its spelling on the wire.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

data_formats! {
    Wfdb = "WFDB"; Edf = "EDF"; EdfPlus = "EDF+"; Bdf = "BDF"; BdfPlus = "BDF+"; Hl7Aecg = "HL7 aECG"; ScpEcg = "SCP-ECG";
    Dicom = "DICOM"; DicomEcg = "DICOM-ECG"; Nifti = "NIfTI"; Vcf = "VCF"; Fasta = "FASTA"; Fastq = "FASTQ"; Fhir = "FHIR";
    Hl7V2 = "HL7 v2"; Ccda = "C-CDA"; Csv = "CSV"; Tsv = "TSV"; Json = "JSON"; Ndjson = "NDJSON"; Xml = "XML";
    Parquet = "Parquet"; Png = "PNG"; Jpeg = "JPEG"; Text = "Text"; Safetensors = "safetensors";
}

/// Attributes of the data, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Attributes {
    /// Samples per second of each channel, in hertz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_rate_hz: Option<f64>,
    /// Names of the channels, in file order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_names: Option<Vec<String>>,
    /// Physical unit (UCUM) of each channel or column, in file order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Vec<String>>,
    /// Names of the columns of a table, in file order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_names: Option<Vec<String>>,
    /// Samples per channel, or rows of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_count: Option<u64>,
    /// Length of the recording in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Lead configuration of an ECG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_configuration: Option<String>,
    /// Electrode placement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub electrode_placement: Option<String>,
    /// Where on the body the sensor sits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor_placement: Option<String>,
    /// Imaging modality as DICOM writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    /// Body part examined, as DICOM writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_part: Option<String>,
    /// Reference genome of a variant file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_genome: Option<String>,
    /// FHIR resource types contained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_types: Option<Vec<String>>,
    /// Version of the format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_version: Option<String>,
    /// Code systems used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_systems: Option<Vec<String>>,
    /// Character encoding of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub character_encoding: Option<String>,
    /// Kind of device that made the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Circumstances of the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording_context: Option<String>,
}
