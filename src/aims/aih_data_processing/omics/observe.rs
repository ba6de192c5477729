//! What Anomaly and Risk Alerting can judge in a variant file: its quality figures as single measurements.

use super::{
    error::OmicsError,
    profile::{ProfileQuantification, quantify_profile},
    reader::VcfReader,
};
use crate::aims::ai_modules::observations::{Measured, Observations};

/// The figures of a file.
///
/// # Errors
///
/// [`OmicsError`] as [`quantify_profile`] has them.
pub(super) fn observations(reader: &mut VcfReader<'_>) -> Result<Observations, OmicsError> {
    let profile = quantify_profile(reader)?;
    let mut values = whole_file(&profile);
    for sample in &profile.samples {
        let name = |what: &str| format!("{what} of sample {}", sample.sample);
        let genotypes = sample.homozygous_reference_count
            + sample.heterozygous_count
            + sample.homozygous_alternate_count
            + sample.other_ploidy_count
            + sample.missing_count;
        if genotypes > 0 {
            let missing = sample.missing_count as f64 / genotypes as f64;
            values.push(measured(&name("MissingGenotypeShare"), "1", missing));
        }
        let ratio = sample.heterozygous_homozygous_ratio;
        values.extend(ratio.map(|ratio| measured(&name("HeterozygousHomozygousRatio"), "1", ratio)));
        let depth = sample.depth_reads.map(|depth| depth.mean);
        values.extend(depth.map(|depth| measured(&name("MeanDepth"), "{reads}", depth)));
    }
    Ok(Observations { series: Vec::new(), values, codes: Vec::new(), start: None })
}

fn whole_file(profile: &ProfileQuantification) -> Vec<Measured> {
    let mut values = vec![measured("RecordCount", "{records}", profile.record_count as f64)];
    let ratio = profile.transition_transversion_ratio;
    values.extend(ratio.map(|ratio| measured("TransitionTransversionRatio", "1", ratio)));
    let missing = profile.missing_genotype_share;
    values.extend(missing.map(|missing| measured("MissingGenotypeShare", "1", missing)));
    if let Some(equilibrium) = profile.hardy_weinberg {
        let share = equilibrium.departing_site_count as f64 / equilibrium.tested_site_count as f64;
        values.push(measured("HardyWeinbergDepartureShare", "1", share));
    }
    values
}

fn measured(name: &str, unit: &str, value: f64) -> Measured {
    Measured { name: name.to_owned(), unit: unit.to_owned(), value, at_seconds: None }
}
