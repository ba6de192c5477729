//! Which INFO and FORMAT fields stay, and what their values may look like.
//!
//! The rule is a list of what is known to be measurement: the keys the VCF specification reserves (VCFv4.5, sections
//! 1.6.1 and 1.6.2) and those GATK, bcftools, freebayes, DeepVariant and the imputation servers write. A key that is
//! not in it may be anybody's free text, or be a name itself, so it goes. Reserved keys of free text or of references
//! to other records (`MATEID`, `EVENT`, `DGVID`, `FT` …) are not in the list either. A requester may ask for more keys
//! by name; they stay when the header declares them numbers or flags.

use super::tokens;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No value.
    Flag,
    /// Whole numbers, separated by commas.
    Integer,
    /// Numbers, separated by commas.
    Float,
    /// A sequence of bases.
    Bases,
    /// A word of the specification for structural variants.
    StructuralType,
    /// A genotype.
    Genotype,
}

const INFO: &[(Kind, &[&str])] = &[
    (Kind::Flag, &["DB", "H2", "H3", "1000G", "SOMATIC", "VALIDATED", "IMPRECISE", "NOVEL"]),
    (Kind::Flag, &["INDEL", "NEGATIVE_TRAIN_SITE", "POSITIVE_TRAIN_SITE", "DS", "MULTI_ALLELIC", "EX_TARGET"]),
    (Kind::Flag, &["IMP", "IMPUTED", "TYPED", "TYPED_ONLY"]),
    (Kind::Integer, &["AC", "AD", "ADF", "ADR", "AN", "DP", "END", "MQ0", "NS", "CIPOS", "CIEND", "SVLEN", "HOMLEN"]),
    (Kind::Integer, &["MLEAC", "IDV", "DP4", "AO", "RO", "QA", "QR", "SAF", "SAR", "SRF", "SRR", "HRun"]),
    (
        Kind::Float,
        &["AF", "BQ", "MQ", "BaseQRankSum", "ClippingRankSum", "ExcessHet", "FS", "InbreedingCoeff", "MLEAF"],
    ),
    (Kind::Float, &["MQRankSum", "QD", "ReadPosRankSum", "SOR", "VQSLOD", "RAW_MQ", "Dels", "HaplotypeScore"]),
    (Kind::Float, &["IMF", "VDB", "RPB", "MQB", "BQB", "MQSB", "SGB", "MQ0F", "ICB", "HOB", "MQBZ", "RPBZ", "BQBZ"]),
    (Kind::Float, &["SCBZ", "MQSBZ", "ODDS", "EAS_AF", "AMR_AF", "AFR_AF", "EUR_AF", "SAS_AF"]),
    (Kind::Float, &["MAF", "R2", "ER2", "DR2", "AVG_CS"]),
    (Kind::Bases, &["AA"]),
    (Kind::StructuralType, &["SVTYPE"]),
];

const FORMAT: &[(Kind, &[&str])] = &[
    (Kind::Genotype, &["GT", "PGT"]),
    (Kind::Integer, &["AD", "ADF", "ADR", "DP", "EC", "GQ", "HQ", "MQ", "PL", "PP", "PQ", "PS", "MIN_DP", "SB", "RGQ"]),
    (Kind::Integer, &["AO", "RO", "QA", "QR", "SP", "F1R2", "F2R1", "SAC", "HAP", "AHAP"]),
    (Kind::Float, &["GL", "GP", "DS", "HDS", "VAF", "AF", "CN", "CNQ", "CNL", "CNP", "NQ"]),
];

/// Words of `SVTYPE` and first words of symbolic alleles.
pub(super) const STRUCTURAL: &[&str] = &["DEL", "INS", "DUP", "INV", "CNV", "BND", "TRA"];

pub(super) fn info(key: &str) -> Option<Kind> {
    find(INFO, key)
}

pub(super) fn format(key: &str) -> Option<Kind> {
    find(FORMAT, key)
}

fn find(table: &[(Kind, &[&str])], key: &str) -> Option<Kind> {
    table.iter().find(|(_, keys)| keys.contains(&key)).map(|(kind, _)| *kind)
}

impl Kind {
    /// Whether a value is of this kind; `.` stands for a missing one.
    pub(super) fn takes(self, value: &str) -> bool {
        match self {
            Self::Flag => false,
            Self::Integer => value.split(',').all(|one| one == "." || tokens::is_integer(one)),
            Self::Float => value.split(',').all(|one| one == "." || tokens::is_number(one)),
            Self::Bases => value.split(',').all(|one| one == "." || tokens::is_bases(one)),
            Self::StructuralType => value == "." || STRUCTURAL.contains(&value),
            Self::Genotype => tokens::is_genotype(value),
        }
    }

    /// Its type in a header line.
    pub(super) fn declared(self) -> &'static str {
        match self {
            Self::Flag => "Flag",
            Self::Integer => "Integer",
            Self::Float => "Float",
            Self::Bases | Self::StructuralType | Self::Genotype => "String",
        }
    }
}
