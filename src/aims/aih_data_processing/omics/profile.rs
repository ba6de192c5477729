//! Quality and diversity of a variant file (processing type `MolecularProfileQuantification`).
//!
//! | Measure | Definition |
//! | --- | --- |
//! | Ti/Tv | SNVs A↔G, C↔T divided by all others; about 2.0–2.1 for a human genome, about 3 (2.8–3.3) for its exons (DePristo et al. 2011; Wang et al. 2015, PMC4308666) |
//! | heterozygosity | heterozygous of all called diploid genotypes **in this file**; a file of variants alone has no reference sites |
//! | het/hom | heterozygous divided by homozygous alternate genotypes (Guo et al. 2014) |
//! | missingness | genotypes with a missing allele, of all |
//! | frequency | of each alternate allele: from the genotypes of ten samples or more, else `INFO/AF`; which one is said |
//! | Hardy–Weinberg | [`super::hardy_weinberg`] at SNVs with one alternate and ten called diploid samples or more |

use serde::Serialize;

use super::{
    distribution::{Summary, Tally},
    error::OmicsError,
    hardy_weinberg::{GenotypeCounts, exact_p},
    reader::VcfReader,
    site::{AlleleKind, Call, Genotype, Site, Zygosity, substitution},
};

/// Fewest samples from which an allele frequency is counted: below it, steps are coarser than 5 %.
pub const MIN_SAMPLES: usize = 10;
/// P-value below which a site departs from equilibrium. There is no one limit: our choice lies between those in use, such
/// as 1e-4 (Laurie et al., Genetic Epidemiology 34(6), 2010) and 5.7e-7 (Wellcome Trust Case Control Consortium, 2007).
pub const DEPARTURE_BELOW: f64 = 1e-6;
/// Upper ends of the frequency classes.
const CLASSES: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0];

const METHOD: &str = "transitions and transversions, zygosity by sample, missing genotypes, allele frequencies, depth \
                      and quality over all records; a file of variants alone has no sites where all samples are \
                      reference, so its heterozygosity is that of the listed sites";
const SOURCE: &str = "DePristo et al., A framework for variation discovery and genotyping using next-generation DNA \
                      sequencing data, Nature Genetics 43, 491-498, 2011; Guo et al., Three-stage quality control \
                      strategies for DNA re-sequencing data, Briefings in Bioinformatics 15(6), 879-889, 2014; \
                      Wigginton, Cutler, Abecasis, A note on exact tests of Hardy-Weinberg equilibrium, American \
                      Journal of Human Genetics 76(5), 887-893, 2005";

/// Result of `MolecularProfileQuantification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProfileQuantification {
    /// Always `MolecularProfileQuantification`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where its definitions come from.
    pub source: &'static str,
    /// Records in the file.
    pub record_count: u64,
    /// A↔G and C↔T substitutions.
    pub transition_count: u64,
    /// All other substitutions.
    pub transversion_count: u64,
    /// Transitions divided by transversions; absent without transversions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_transversion_ratio: Option<f64>,
    /// Each sample, in the order of the columns.
    pub samples: Vec<SampleProfile>,
    /// Share of all genotypes that are missing; absent without genotypes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_genotype_share: Option<f64>,
    /// Frequencies of the alternate alleles.
    pub allele_frequencies: FrequencyProfile,
    /// Agreement with Hardy–Weinberg equilibrium; absent where no site has enough samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardy_weinberg: Option<Equilibrium>,
    /// `INFO/DP`, reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_depth_reads: Option<Summary>,
    /// `QUAL`, Phred-scaled, rounded to whole numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_quality_phred: Option<Summary>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SampleProfile {
    /// Position of the column, counted from 1. Names stay in the file.
    pub sample: usize,
    /// Both copies reference.
    pub homozygous_reference_count: u64,
    /// Two different alleles.
    pub heterozygous_count: u64,
    /// Both copies the same alternate.
    pub homozygous_alternate_count: u64,
    /// Genotypes of one copy or of more than two.
    pub other_ploidy_count: u64,
    /// Genotypes with a missing allele.
    pub missing_count: u64,
    /// Heterozygous of the diploid genotypes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heterozygosity: Option<f64>,
    /// Heterozygous divided by homozygous alternate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heterozygous_homozygous_ratio: Option<f64>,
    /// `FORMAT/DP`, reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_reads: Option<Summary>,
    /// `FORMAT/GQ`, Phred-scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genotype_quality_phred: Option<Summary>,
}

/// Where frequencies were taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FrequencySource {
    /// Counted in the genotypes of this file.
    Genotypes,
    /// Stated by the file in `INFO/AF`; a caller may have counted it in one sample only.
    #[serde(rename = "INFO/AF")]
    InfoAf,
    /// Fewer than ten samples and no `INFO/AF`.
    None,
}

/// Frequencies of the alternate alleles.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FrequencyProfile {
    /// Where they come from.
    pub frequency_source: FrequencySource,
    /// Alleles with a frequency.
    pub allele_count: u64,
    /// Alleles with frequency 0.
    pub absent_allele_count: u64,
    /// Alleles seen once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub singleton_count: Option<u64>,
    /// Alleles by frequency: above `Above`, up to `UpTo`.
    pub spectrum: Vec<FrequencyClass>,
}

/// One class of the spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FrequencyClass {
    /// Lower end, not included.
    pub above: f64,
    /// Upper end, included.
    pub up_to: f64,
    /// Alleles.
    pub allele_count: u64,
}

/// Agreement with Hardy–Weinberg equilibrium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Equilibrium {
    /// Sites tested.
    pub tested_site_count: u64,
    /// Sites with a p-value below one in a million.
    pub departing_site_count: u64,
}

/// Profiles a file.
///
/// # Errors
///
/// [`OmicsError`] as [`VcfReader::for_each`] has them.
pub fn quantify_profile(reader: &mut VcfReader<'_>) -> Result<ProfileQuantification, OmicsError> {
    let mut counts = Counts { samples: vec![SampleCounts::default(); reader.samples()], ..Counts::default() };
    reader.for_each(|site| {
        counts.add(site);
        Ok(())
    })?;
    let mut profile = counts.result();
    for (place, sample) in profile.samples.iter_mut().enumerate() {
        sample.sample = reader.column(place);
    }
    Ok(profile)
}

#[derive(Default)]
struct Counts {
    records: u64,
    transitions: u64,
    transversions: u64,
    samples: Vec<SampleCounts>,
    counted: Spectrum,
    stated: Spectrum,
    equilibrium: Equilibrium,
    depth: Tally,
    quality: Tally,
}

#[derive(Default)]
struct Spectrum {
    classes: [u64; CLASSES.len()],
    absent: u64,
    singletons: u64,
}

#[derive(Default, Clone)]
struct SampleCounts {
    reference: u64,
    heterozygous: u64,
    alternate: u64,
    other: u64,
    missing: u64,
    depth: Tally,
    quality: Tally,
}

impl Counts {
    fn add(&mut self, site: &Site) {
        self.records += 1;
        for (from, to) in site.alternates.iter().filter_map(|a| substitution(&site.reference, a)) {
            match (from, to) {
                (b'A', b'G') | (b'G', b'A') | (b'C', b'T') | (b'T', b'C') => self.transitions += 1,
                _ => self.transversions += 1,
            }
        }
        self.samples.iter_mut().zip(&site.calls).for_each(|(sample, call)| sample.add(*call));
        self.add_frequencies(site);
        self.add_equilibrium(site);
        site.depth.into_iter().for_each(|depth| self.depth.add(depth));
        site.quality.into_iter().for_each(|quality| self.quality.add(quality.round() as u32));
    }

    fn add_frequencies(&mut self, site: &Site) {
        let is_variant = |alternate: &String| AlleleKind::of(&site.reference, alternate).is_variant();
        for (place, _) in site.alternates.iter().enumerate().filter(|(_, a)| is_variant(a)) {
            if let Some(frequency) = site.stated_frequencies.as_ref().and_then(|all| all.get(place).copied().flatten())
            {
                self.stated.add(frequency);
            }
        }
        if site.calls.iter().filter(|call| call.genotype.alleles().next().is_some()).count() < MIN_SAMPLES {
            return;
        }
        let mut seen = vec![0_u64; site.alternates.len() + 1];
        for allele in site.calls.iter().flat_map(|call| call.genotype.alleles()) {
            seen.get_mut(allele as usize).into_iter().for_each(|count| *count += 1);
        }
        let all = seen.iter().sum::<u64>();
        for (place, _) in site.alternates.iter().enumerate().filter(|(_, a)| is_variant(a)) {
            self.counted.singletons += u64::from(seen[place + 1] == 1);
            self.counted.add(seen[place + 1] as f64 / all as f64);
        }
    }

    fn add_equilibrium(&mut self, site: &Site) {
        let [alternate] = site.alternates.as_slice() else { return };
        if AlleleKind::of(&site.reference, alternate) != AlleleKind::Snv {
            return;
        }
        let mut counts = GenotypeCounts::default();
        for call in &site.calls {
            match call.genotype {
                Genotype::Diploid(0, 0) => counts.homozygous_one += 1,
                Genotype::Diploid(a, b) if a == b => counts.homozygous_other += 1,
                Genotype::Diploid(..) => counts.heterozygous += 1,
                _ => {}
            }
        }
        if counts.homozygous_one + counts.homozygous_other + counts.heterozygous < MIN_SAMPLES as u64 {
            return;
        }
        self.equilibrium.tested_site_count += 1;
        self.equilibrium.departing_site_count += u64::from(exact_p(counts).is_some_and(|p| p < DEPARTURE_BELOW));
    }

    fn result(self) -> ProfileQuantification {
        let missing = self.samples.iter().map(|s| s.missing).sum::<u64>();
        let genotypes = self.samples.iter().map(SampleCounts::genotypes).sum::<u64>();
        let tested = self.equilibrium.tested_site_count > 0;
        ProfileQuantification {
            processing_type: "MolecularProfileQuantification",
            method: METHOD,
            source: SOURCE,
            record_count: self.records,
            transition_count: self.transitions,
            transversion_count: self.transversions,
            transition_transversion_ratio: ratio(self.transitions, self.transversions),
            missing_genotype_share: ratio(missing, genotypes),
            allele_frequencies: frequency_profile(&self.counted, &self.stated),
            hardy_weinberg: tested.then_some(self.equilibrium),
            record_depth_reads: self.depth.summary(),
            record_quality_phred: self.quality.summary(),
            samples: self.samples.iter().enumerate().map(|(place, s)| s.result(place + 1)).collect(),
        }
    }
}

impl Spectrum {
    fn add(&mut self, frequency: f64) {
        if frequency <= 0.0 {
            self.absent += 1;
        } else if let Some(class) = CLASSES.iter().position(|end| frequency <= *end) {
            self.classes[class] += 1;
        }
    }

    fn alleles(&self) -> u64 {
        self.absent + self.classes.iter().sum::<u64>()
    }
}

fn frequency_profile(counted: &Spectrum, stated: &Spectrum) -> FrequencyProfile {
    let (frequency_source, spectrum) = match (counted.alleles(), stated.alleles()) {
        (0, 0) => (FrequencySource::None, stated),
        (0, _) => (FrequencySource::InfoAf, stated),
        _ => (FrequencySource::Genotypes, counted),
    };
    let lower = std::iter::once(0.0).chain(CLASSES);
    let classes = lower.zip(CLASSES).zip(spectrum.classes);
    FrequencyProfile {
        frequency_source,
        allele_count: spectrum.alleles(),
        absent_allele_count: spectrum.absent,
        singleton_count: (frequency_source == FrequencySource::Genotypes).then_some(spectrum.singletons),
        spectrum: classes.map(|((above, up_to), allele_count)| FrequencyClass { above, up_to, allele_count }).collect(),
    }
}

impl SampleCounts {
    fn add(&mut self, call: Call) {
        match call.genotype.zygosity() {
            Zygosity::HomozygousReference => self.reference += 1,
            Zygosity::Heterozygous => self.heterozygous += 1,
            Zygosity::HomozygousAlternate => self.alternate += 1,
            Zygosity::Missing => self.missing += 1,
            Zygosity::HemizygousReference | Zygosity::HemizygousAlternate | Zygosity::Polyploid => self.other += 1,
        }
        call.depth.into_iter().for_each(|depth| self.depth.add(depth));
        call.quality.into_iter().for_each(|quality| self.quality.add(quality));
    }

    fn genotypes(&self) -> u64 {
        self.reference + self.heterozygous + self.alternate + self.other + self.missing
    }

    fn result(&self, sample: usize) -> SampleProfile {
        SampleProfile {
            sample,
            homozygous_reference_count: self.reference,
            heterozygous_count: self.heterozygous,
            homozygous_alternate_count: self.alternate,
            other_ploidy_count: self.other,
            missing_count: self.missing,
            heterozygosity: ratio(self.heterozygous, self.reference + self.heterozygous + self.alternate),
            heterozygous_homozygous_ratio: ratio(self.heterozygous, self.alternate),
            depth_reads: self.depth.summary(),
            genotype_quality_phred: self.quality.summary(),
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
