//! A polygenic score from supplied weights (processing type `MolecularRiskPrediction`).
//!
//! The score is the sum over variants of weight × number of effect alleles (Lambert et al. 2021; International
//! Schizophrenia Consortium, Nature 460, 748–752, 2009). It is reported with everything that stands between it and its
//! meaning: which weights found no genotype and why, how many were flipped, which build was used. **It is not a risk
//! and not a percentile**: for those a reference population of the same ancestry, scored the same way, is needed, and
//! none comes with the file.
//!
//! Positions count only when file and weights state the same genome build; otherwise dbSNP numbers are compared.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    error::OmicsError,
    genome_build::GenomeBuild,
    matching::{self, Fate, MISSING, MatchedBy, Matches},
    reader::VcfReader,
    weights::{self, Weights},
};

/// Attachment with the scoring file, and the parameter that names it in the Store.
pub const WEIGHTS: &str = "Weights";
/// Parameter: least share of weights with a genotype.
pub const MINIMUM_COVERAGE: &str = "MinimumCoverage";
/// Parameter: whether A/T and C/G variants count, which needs both files on the forward strand.
pub const KEEP_AMBIGUOUS: &str = "KeepStrandAmbiguous";
/// Parameter: the file's genome build, where its header does not tell.
pub const GENOME_BUILD: &str = "GenomeBuild";
/// Least share unless asked otherwise: the overlap the PGS Catalog Calculator asks for.
pub const DEFAULT_COVERAGE: f64 = 0.75;

const METHOD: &str = "sum of weight times effect alleles over matched variants; strand-ambiguous variants left out \
                      unless asked for, missing genotypes not imputed; a raw score, no risk and no percentile";
const SOURCE: &str = "Lambert et al., The Polygenic Score Catalog as an open database for reproducibility and systematic \
                      evaluation, Nature Genetics 53, 420-425, 2021; International Schizophrenia Consortium, Common \
                      polygenic variation contributes to risk of schizophrenia and bipolar disorder, Nature 460, \
                      748-752, 2009";

/// Result of `MolecularRiskPrediction`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RiskPrediction {
    /// Always `MolecularRiskPrediction`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The scoring file in the Store.
    #[serde(rename = "MLModelObjectID", skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The score's identifier in the PGS Catalog, as its file states it.
    #[serde(rename = "PGSID", skip_serializing_if = "Option::is_none")]
    pub score_id: Option<String>,
    /// What a weight is (`beta`, `OR`, …), as its file states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_type: Option<String>,
    /// Build of the variant file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genome_build: Option<GenomeBuild>,
    /// How weights and records were brought together.
    pub matched_by: MatchedBy,
    /// What became of the weights.
    pub weights: WeightCounts,
    /// Least share of weights that must have a genotype.
    pub minimum_coverage: f64,
    /// Each sample, in the order of the columns.
    pub scores: Vec<Score>,
}

/// What became of the weights; the sum of all but `FlippedCount` is `Total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct WeightCounts {
    /// Rows of the weight file.
    pub total: u64,
    /// Found with their alleles.
    pub matched: u64,
    /// Of those, found on the other strand.
    pub flipped_count: u64,
    /// Not in the file.
    pub absent: u64,
    /// At the place stand other alleles.
    pub other_alleles: u64,
    /// A/T or C/G, so that the strand cannot be told.
    pub strand_ambiguous: u64,
    /// The record failed a filter.
    pub filtered: u64,
    /// Several records claim the variant.
    pub several_records: u64,
}

/// Score of one sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Score {
    /// Position of the column, counted from 1.
    pub sample: usize,
    /// The raw score, in the unit of the weights; absent when too few weights have a genotype.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Weights with a genotype.
    pub variants_used: u64,
    /// Matched weights without one.
    pub missing_genotypes: u64,
    /// Weights used, of all in the file.
    pub coverage: f64,
    /// Copies of effect alleles counted.
    pub effect_allele_count: u64,
}

/// Scores every sample.
///
/// # Errors
///
/// [`OmicsError`]: weights absent or not usable, builds that do not compare, coverage below the minimum in every sample,
/// and everything of [`VcfReader::for_each`].
pub fn predict(
    reader: &mut VcfReader<'_>,
    parameters: &Map<String, Value>,
    weight_file: Option<&[u8]>,
) -> Result<RiskPrediction, OmicsError> {
    let minimum_coverage = minimum_coverage(parameters)?;
    let keep_ambiguous = keep_ambiguous(parameters)?;
    let weights = weights::read(weight_file.ok_or(OmicsError::NoWeights)?)?;
    if reader.samples() == 0 {
        return Err(OmicsError::Without("samples"));
    }
    let genome_build = genome_build(reader, parameters)?;
    let matched_by = matched_by(&weights, genome_build)?;
    let matches = matching::find(reader, &weights, matched_by, keep_ambiguous)?;
    let one = |sample| Score { sample: reader.column(sample), ..score(sample, &weights, &matches, minimum_coverage) };
    let scores = (0..reader.samples()).map(one).collect::<Vec<_>>();
    if scores.iter().all(|score| score.score.is_none()) {
        let used = scores.iter().map(|score| score.variants_used).max().unwrap_or(0);
        let total = weights.rows.len() as u64;
        return Err(OmicsError::Coverage { used, total, minimum: minimum_coverage });
    }
    Ok(RiskPrediction {
        processing_type: "MolecularRiskPrediction",
        method: METHOD,
        source: SOURCE,
        model: parameters.get(WEIGHTS).and_then(Value::as_str).map(str::to_owned),
        weights: count(&matches.fates),
        score_id: weights.id,
        weight_type: weights.weight_type,
        genome_build,
        matched_by,
        minimum_coverage,
        scores,
    })
}

fn score(sample: usize, weights: &Weights, matches: &Matches, minimum_coverage: f64) -> Score {
    let mut result = Score {
        sample: sample + 1,
        score: None,
        variants_used: 0,
        missing_genotypes: 0,
        coverage: 0.0,
        effect_allele_count: 0,
    };
    let mut sum = 0.0;
    let matched = |(_, fate): &(usize, &Fate)| matches!(fate, Fate::Matched { .. });
    for (row, _) in matches.fates.iter().enumerate().filter(matched) {
        match matches.dosages(row).get(sample) {
            None | Some(&MISSING) => result.missing_genotypes += 1,
            Some(copies) => {
                result.variants_used += 1;
                result.effect_allele_count += u64::from(*copies);
                sum += weights.rows[row].weight * weights.rows[row].model.times(*copies);
            }
        }
    }
    result.coverage = result.variants_used as f64 / weights.rows.len() as f64;
    result.score = (result.variants_used > 0 && result.coverage >= minimum_coverage).then_some(sum);
    result
}

fn count(fates: &[Fate]) -> WeightCounts {
    let mut counts = WeightCounts { total: fates.len() as u64, ..WeightCounts::default() };
    for fate in fates {
        match fate {
            Fate::Absent => counts.absent += 1,
            Fate::Filtered => counts.filtered += 1,
            Fate::OtherAlleles => counts.other_alleles += 1,
            Fate::StrandAmbiguous => counts.strand_ambiguous += 1,
            Fate::SeveralRecords => counts.several_records += 1,
            Fate::Matched { flipped, .. } => {
                counts.matched += 1;
                counts.flipped_count += u64::from(*flipped);
            }
        }
    }
    counts
}

/// The file's build: told by its header or by the parameter, and never by both in two ways.
fn genome_build(reader: &VcfReader<'_>, parameters: &Map<String, Value>) -> Result<Option<GenomeBuild>, OmicsError> {
    let told = GenomeBuild::of(reader.header());
    let refuse = |reason| OmicsError::Parameter { name: GENOME_BUILD, reason };
    let Some(asked) = parameters.get(GENOME_BUILD) else { return Ok(told) };
    let asked = asked.as_str().and_then(GenomeBuild::named);
    let asked = asked.ok_or(refuse("it is NCBI36, GRCh37, GRCh38 or T2T-CHM13"))?;
    if told.is_some_and(|told| told != asked) {
        return Err(refuse("the header of the file tells another build"));
    }
    Ok(Some(asked))
}

fn matched_by(weights: &Weights, build: Option<GenomeBuild>) -> Result<MatchedBy, OmicsError> {
    let places = weights.rows.iter().any(|row| row.place.is_some());
    let harmonised = weights.rows.iter().any(|row| row.harmonised_place.is_some());
    if build.is_some() && build == weights.build && places {
        Ok(MatchedBy::Position)
    } else if build.is_some() && build == weights.harmonised_build && harmonised {
        Ok(MatchedBy::HarmonisedPosition)
    } else if weights.rows.iter().any(|row| row.rs_id.is_some()) {
        Ok(MatchedBy::RsId)
    } else if build.is_none() {
        Err(OmicsError::Builds("the header does not tell the genome build, and no parameter GenomeBuild does"))
    } else {
        Err(OmicsError::Builds("they refer to different genome builds"))
    }
}

fn minimum_coverage(parameters: &Map<String, Value>) -> Result<f64, OmicsError> {
    let Some(value) = parameters.get(MINIMUM_COVERAGE) else { return Ok(DEFAULT_COVERAGE) };
    let share = value.as_f64().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or(OmicsError::Parameter { name: MINIMUM_COVERAGE, reason: "it is a share above 0 and up to 1" })
}

fn keep_ambiguous(parameters: &Map<String, Value>) -> Result<bool, OmicsError> {
    let Some(value) = parameters.get(KEEP_AMBIGUOUS) else { return Ok(false) };
    value.as_bool().ok_or(OmicsError::Parameter { name: KEEP_AMBIGUOUS, reason: "it is true or false" })
}
