//! Reads a scoring file of the PGS Catalog, format 2.0 (Lambert et al., "The Polygenic Score Catalog as an open
//! database for reproducibility and systematic evaluation", Nature Genetics 53, 420–425, 2021; pgscatalog.org/downloads).
//!
//! ```text
//! ###PGS CATALOG SCORING FILE …
//! #format_version=2.0
//! #pgs_id=…          #genome_build=GRCh37        #weight_type=beta
//! #HmPOS_build=…     (harmonised files: positions in a second build, columns hm_chr and hm_pos)
//! rsID  chr_name  chr_position  effect_allele  other_allele  effect_weight  …
//! ```
//!
//! A row that says it is an interaction, a haplotype or weighted by dosage is no sum of alleles: the file is refused,
//! since leaving such rows out would give another score under the same name.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    error::OmicsError,
    genome_build::{GenomeBuild, chromosome},
    limits::MAX_WEIGHTS,
};

/// A scoring file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// `pgs_id`, when stated.
    pub(super) id: Option<String>,
    /// `genome_build`.
    pub(super) build: Option<GenomeBuild>,
    /// `HmPOS_build`.
    pub(super) harmonised_build: Option<GenomeBuild>,
    /// `weight_type`, when stated.
    pub(super) weight_type: Option<String>,
    pub(super) rows: Vec<Weight>,
}

/// What the head of a scoring file says, and how many weights follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ScoringFile {
    /// `pgs_id`, when stated.
    #[serde(rename = "PGSID", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `genome_build`, when it names one that is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genome_build: Option<GenomeBuild>,
    /// `HmPOS_build`, as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harmonised_build: Option<GenomeBuild>,
    /// `weight_type`, when stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_type: Option<String>,
    /// Rows.
    pub variants: u64,
}

/// Longest text of the head that is kept, in characters.
const MOST_STATED: usize = 64;

/// Reads a whole scoring file as it is read for a score, and gives what its head says.
///
/// # Errors
///
/// What is wrong with it, in words, never with values from it.
pub fn examine(bytes: &[u8]) -> Result<ScoringFile, String> {
    let weights = read(bytes).map_err(|error| error.to_string())?;
    let text = |text: Option<String>| text.filter(|text| !text.is_empty() && text.chars().count() <= MOST_STATED);
    Ok(ScoringFile {
        id: text(weights.id),
        genome_build: weights.build,
        harmonised_build: weights.harmonised_build,
        weight_type: text(weights.weight_type),
        variants: weights.rows.len() as u64,
    })
}

/// One variant of the score.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weight {
    pub(super) rs_id: Option<String>,
    /// Chromosome and position in `genome_build`.
    pub(super) place: Option<(String, u64)>,
    /// Chromosome and position in `HmPOS_build`.
    pub(super) harmonised_place: Option<(String, u64)>,
    pub(super) effect: String,
    pub(super) other: Option<String>,
    pub(super) weight: f64,
    pub(super) model: Model,
}

/// What the number of effect alleles is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    /// The weight for each.
    Additive,
    /// The weight once, for one or two.
    Dominant,
    /// The weight once, for two.
    Recessive,
}

impl Model {
    /// How often the weight counts.
    pub(super) fn times(self, effect_alleles: u8) -> f64 {
        match self {
            Self::Additive => f64::from(effect_alleles),
            Self::Dominant => f64::from(u8::from(effect_alleles >= 1)),
            Self::Recessive => f64::from(u8::from(effect_alleles >= 2)),
        }
    }
}

/// Reads a scoring file.
///
/// # Errors
///
/// [`OmicsError::Weights`] and [`OmicsError::WeightRow`].
pub(super) fn read(bytes: &[u8]) -> Result<Weights, OmicsError> {
    if bytes.is_empty() {
        return Err(OmicsError::Weights("it is empty"));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| OmicsError::Weights("it is not plain text (unpack .gz first)"))?;
    let stated = stated(text);
    if stated.get("format_version").map(String::as_str) != Some("2.0") {
        return Err(OmicsError::Weights("it does not state #format_version=2.0"));
    }
    // Half a number is a number too: what breaks off in the last row would pass for another score.
    if !text.ends_with('\n') {
        return Err(OmicsError::Weights("it ends early: its last line has no line break"));
    }
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b'\t').comment(Some(b'#')).quoting(false).from_reader(text.as_bytes());
    let columns = Columns::of(reader.headers().map_err(|_| OmicsError::Weights("it has no column names"))?)?;
    let mut rows = Vec::new();
    let mut known = HashSet::new();
    for (number, record) in (1_u64..).zip(reader.records()) {
        let bad = |reason| OmicsError::WeightRow { row: number, reason };
        if rows.len() >= MAX_WEIGHTS {
            return Err(OmicsError::Limit { what: "the number of weights", limit: MAX_WEIGHTS as u64 });
        }
        let record = record.map_err(|_| bad("it has not one field for each column"))?;
        let row = columns.weight(&record).map_err(bad)?;
        let name = (row.place.clone(), row.rs_id.clone(), row.effect.clone(), row.other.clone());
        if !known.insert(name) {
            return Err(bad("the same variant and alleles stand in an earlier row"));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(OmicsError::Weights("it has no rows"));
    }
    let announced = stated.get("variants_number").map(|number| number.parse::<usize>());
    if announced.is_some_and(|number| number.ok() != Some(rows.len())) {
        return Err(OmicsError::Weights("it has more or fewer rows than its variants_number"));
    }
    let build = |key: &str| stated.get(key).and_then(|text| GenomeBuild::named(text));
    Ok(Weights {
        id: stated.get("pgs_id").cloned(),
        weight_type: stated.get("weight_type").cloned(),
        build: build("genome_build"),
        harmonised_build: build("HmPOS_build"),
        rows,
    })
}

/// The `#key=value` lines above the table.
fn stated(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.trim_start_matches('#').split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Where each column is.
struct Columns(BTreeMap<String, usize>);

impl Columns {
    fn of(names: &csv::StringRecord) -> Result<Self, OmicsError> {
        let mut places = BTreeMap::new();
        for (place, name) in names.iter().enumerate() {
            if places.insert(name.trim().to_owned(), place).is_some() {
                return Err(OmicsError::Weights("two columns have one name"));
            }
        }
        let has = |name: &str| places.contains_key(name);
        if !has("effect_allele") || !has("effect_weight") {
            return Err(OmicsError::Weights("it needs the columns effect_allele and effect_weight"));
        }
        let named = has("rsID") || (has("chr_name") && has("chr_position"));
        if !named {
            return Err(OmicsError::Weights("it needs the column rsID, or chr_name and chr_position"));
        }
        if ["dosage_0_weight", "dosage_1_weight", "dosage_2_weight"].into_iter().any(has) {
            return Err(OmicsError::Weights("it weighs dosages one by one, which is not a sum of alleles"));
        }
        Ok(Self(places))
    }

    fn weight(&self, record: &csv::StringRecord) -> Result<Weight, &'static str> {
        if self.is_true(record, "is_interaction")? || self.is_true(record, "is_haplotype")? {
            return Err("it is an interaction or a haplotype, which is not a sum of alleles");
        }
        let model = match (self.is_true(record, "is_dominant")?, self.is_true(record, "is_recessive")?) {
            (false, false) => Model::Additive,
            (true, false) => Model::Dominant,
            (false, true) => Model::Recessive,
            (true, true) => return Err("it is both dominant and recessive"),
        };
        let weight = self.field(record, "effect_weight").and_then(|text| text.parse::<f64>().ok());
        let weight = weight.filter(|w| w.is_finite()).ok_or("its weight is no finite number")?;
        let effect = self.allele(record, "effect_allele")?.ok_or("it has no effect allele")?;
        let other = self.allele(record, "other_allele")?;
        if other.as_ref() == Some(&effect) {
            return Err("its two alleles are the same");
        }
        Ok(Weight {
            rs_id: self.field(record, "rsID").filter(|id| super::biomarker::is_rs_id(id)).map(str::to_owned),
            place: self.place(record, "chr_name", "chr_position")?,
            harmonised_place: self.place(record, "hm_chr", "hm_pos")?,
            effect,
            other,
            weight,
            model,
        })
    }

    fn field<'r>(&self, record: &'r csv::StringRecord, name: &str) -> Option<&'r str> {
        let text = record.get(*self.0.get(name)?)?.trim();
        (!text.is_empty() && text != "NA" && text != ".").then_some(text)
    }

    fn is_true(&self, record: &csv::StringRecord, name: &str) -> Result<bool, &'static str> {
        match self.field(record, name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err("a column that is True or False holds something else"),
        }
    }

    fn allele(&self, record: &csv::StringRecord, name: &str) -> Result<Option<String>, &'static str> {
        match self.field(record, name).map(str::to_ascii_uppercase) {
            Some(allele) if allele.bytes().all(|b| b"ACGT".contains(&b)) => Ok(Some(allele)),
            // HLA types and "P/N" alleles are not in a VCF file as such; guessing them would be making up.
            Some(_) => Err("an allele is no sequence of A, C, G and T"),
            None => Ok(None),
        }
    }

    fn place(&self, record: &csv::StringRecord, name: &str, at: &str) -> Result<Option<(String, u64)>, &'static str> {
        match (self.field(record, name), self.field(record, at)) {
            (Some(name), Some(at)) => {
                let at = at.parse::<u64>().ok().filter(|at| *at > 0).ok_or("its position is no number above zero")?;
                Ok(Some((chromosome(name).to_owned(), at)))
            }
            _ => Ok(None),
        }
    }
}
