//! One noodles record, checked, as a [`Site`].

use noodles_vcf::{
    Header, Record,
    variant::record::{
        AlternateBases as _, Filters as _, Ids as _,
        info::field::{Value as InfoValue, value::Array as InfoArray},
        samples::series::Value,
    },
};

use super::{
    error::OmicsError,
    limits::MAX_ALTERNATES,
    site::{Call, Genotype, Site},
};

/// Letters of a sequence: the bases and the ambiguity codes of the IUPAC.
const SEQUENCE: &[u8] = b"ACGTNRYSWKMBDHV";

/// Checks and copies one record.
///
/// # Errors
///
/// [`OmicsError::Record`].
pub(super) fn site(header: &Header, record: &Record, number: u64) -> Result<Site, OmicsError> {
    let bad = |reason| OmicsError::record(number, reason);
    let alternates = alternates(record).map_err(bad)?;
    let position = record.variant_start().transpose().map_err(|_| bad("its position is no number"))?;
    let quality = record.quality_score().transpose().map_err(|_| bad("its quality is no number"))?;
    if quality.is_some_and(|q| !q.is_finite()) {
        return Err(bad("its quality is no finite number"));
    }
    let chromosome = record.reference_sequence_name();
    if chromosome.is_empty() || chromosome.starts_with('#') || chromosome.contains(char::is_whitespace) {
        return Err(bad("it has no chromosome"));
    }
    let reference = record.reference_bases().to_ascii_uppercase();
    if reference.is_empty() || !reference.bytes().all(|b| SEQUENCE.contains(&b)) {
        return Err(bad("its reference allele is no sequence of bases"));
    }
    let filters = record.filters();
    let filters = filters.iter(header).map(|f| f.map(str::to_owned)).collect::<Result<Vec<_>, _>>();
    Ok(Site {
        number,
        chromosome: chromosome.to_owned(),
        position: position.map_or(0, |p| usize::from(p) as u64),
        ids: record.ids().iter().map(str::to_owned).collect(),
        reference,
        stated_frequencies: frequencies(header, record, alternates.len()).map_err(bad)?,
        depth: info_depth(header, record).map_err(bad)?,
        calls: calls(header, record, alternates.len()).map_err(bad)?,
        alternates,
        quality,
        filters: filters.map_err(|_| bad("its filters cannot be read"))?,
    })
}

fn alternates(record: &Record) -> Result<Vec<String>, &'static str> {
    let alternates = record.alternate_bases();
    if alternates.len() > MAX_ALTERNATES {
        return Err("it has more alternate alleles than are accepted");
    }
    let read = |allele: std::io::Result<&str>| {
        let allele = allele.map_err(|_| "an alternate allele cannot be read")?;
        let upper = allele.to_ascii_uppercase();
        let bases = |text: &str| !text.is_empty() && text.bytes().all(|b| SEQUENCE.contains(&b));
        let symbol = allele.len() > 2 && allele.starts_with('<') && allele.ends_with('>');
        let broken = allele.contains(['[', ']']) && allele.contains(':');
        let single = upper.strip_prefix('.').or(upper.strip_suffix('.')).is_some_and(bases);
        match () {
            () if bases(&upper) || allele == "*" => Ok(upper),
            () if symbol || broken || single => Ok(allele.to_owned()),
            () => Err("an alternate allele has a form the format does not know"),
        }
    };
    alternates.iter().map(read).collect()
}

/// `INFO/AF`: as many numbers as there are alternate alleles, each within 0 and 1.
fn frequencies(header: &Header, record: &Record, alleles: usize) -> Result<Option<Vec<Option<f64>>>, &'static str> {
    let info = record.info();
    let read = match info.get(header, "AF").transpose().map_err(|_| "INFO/AF is not what the header declares")? {
        Some(Some(InfoValue::Float(one))) => vec![Some(decimal(one))],
        Some(Some(InfoValue::Array(InfoArray::Float(values)))) => values
            .iter()
            .map(|value| value.map(|v| v.map(decimal)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "INFO/AF holds something else than numbers")?,
        _ => return Ok(None),
    };
    if read.len() != alleles {
        return Err("INFO/AF has not one number for each alternate allele");
    }
    if read.iter().flatten().any(|f| !(0.0..=1.0).contains(f)) {
        return Err("INFO/AF is outside 0 and 1");
    }
    Ok(Some(read))
}

/// The number as the file writes it: 0.1 becomes 0.1 and not the slightly larger number next to it in 32 bits.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

fn info_depth(header: &Header, record: &Record) -> Result<Option<u32>, &'static str> {
    match record.info().get(header, "DP").transpose().map_err(|_| "INFO/DP is not what the header declares")? {
        Some(Some(InfoValue::Integer(depth))) => Ok(Some(u32::try_from(depth).map_err(|_| "INFO/DP is below zero")?)),
        _ => Ok(None),
    }
}

/// The genotype columns; empty where the record has no genotype field.
fn calls(header: &Header, record: &Record, alleles: usize) -> Result<Vec<Call>, &'static str> {
    let samples = record.samples();
    if samples.len() != header.sample_names().len() && !(samples.is_empty() && header.sample_names().is_empty()) {
        return Err("it has not one column for each sample of the header");
    }
    let keys = samples.keys();
    let place = |name: &str| keys.iter().position(|key| key == name);
    let Some(genotype_at) = place("GT") else { return Ok(Vec::new()) };
    if genotype_at != 0 {
        return Err("the genotype is not the first field of its samples");
    }
    let (depth_at, quality_at) = (place("DP"), place("GQ"));
    let read = |sample: noodles_vcf::record::samples::Sample<'_>| {
        let at = |place: Option<usize>| match place.and_then(|i| sample.get_index(header, i)).flatten() {
            None => Ok(None),
            Some(value) => value.map(Some).map_err(|_| "a sample's field is not what the header declares"),
        };
        let genotype = match at(Some(genotype_at))? {
            Some(Value::Genotype(read)) => genotype(read.as_ref(), alleles)?,
            _ => Genotype::Missing,
        };
        Ok(Call { genotype, depth: whole(at(depth_at)?), quality: whole(at(quality_at)?) })
    };
    samples.iter().map(read).collect()
}

/// A count that is not negative; quality may be written as a fraction.
fn whole(value: Option<Value<'_>>) -> Option<u32> {
    match value {
        Some(Value::Integer(n)) => u32::try_from(n).ok(),
        Some(Value::Float(n)) if n.is_finite() && n >= 0.0 => Some(n.round() as u32),
        _ => None,
    }
}

fn genotype(
    read: &dyn noodles_vcf::variant::record::samples::series::value::Genotype,
    alleles: usize,
) -> Result<Genotype, &'static str> {
    let mut called = [0_u32; 2];
    let (mut ploidy, mut missing) = (0_usize, false);
    for allele in read.iter() {
        let (allele, _) = allele.map_err(|_| "a genotype cannot be read")?;
        if allele.is_some_and(|n| n > alleles) {
            return Err("a genotype names an allele the record does not have");
        }
        missing |= allele.is_none();
        if let Some(place) = called.get_mut(ploidy) {
            // At most as large as the number of alternates, which was checked.
            *place = allele.unwrap_or(0) as u32;
        }
        ploidy += 1;
    }
    Ok(match ploidy {
        _ if missing => Genotype::Missing,
        0 => Genotype::Missing,
        1 => Genotype::Haploid(called[0]),
        2 => Genotype::Diploid(called[0], called[1]),
        _ => Genotype::Polyploid,
    })
}
