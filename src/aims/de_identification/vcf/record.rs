//! One treated record: every column written anew from tokens of known shape. Position, alleles, quality and genotypes
//! stay as they are; what has no known shape is removed, and where nothing can be left out, the file is refused.

use noodles_vcf::Header;

use super::{
    Treater,
    counts::Rule,
    keys::Kind,
    tokens::{is_bases, is_digits, is_number, is_public_id},
};

/// Treats one line.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn treat(treater: &mut Treater<'_>, header: &Header, line: &str) -> Result<String, &'static str> {
    let columns = line.split('\t').collect::<Vec<_>>();
    let samples = header.sample_names().len();
    let [chromosome, position, ids, reference, alternates, quality, filters, info, rest @ ..] = columns.as_slice()
    else {
        return Err("it has fewer than eight columns");
    };
    if rest.len() != if samples == 0 { 0 } else { samples + 1 } {
        return Err("it has not one column for each sample of the header");
    }
    if chromosome.is_empty() || !is_digits(position) || position.len() > 11 {
        return Err("it has no place");
    }
    if !is_bases(reference) {
        return Err("its reference allele is no sequence of bases");
    }
    if *quality != "." && !is_number(quality) {
        return Err("its quality is no number");
    }
    let mut out = vec![
        treater.contigs.of(chromosome, &mut treater.counts),
        (*position).to_owned(),
        identifiers(treater, ids),
        (*reference).to_owned(),
        alleles(treater, alternates)?,
        (*quality).to_owned(),
        filter_names(treater, filters)?,
        information(treater, header, info),
    ];
    if let [format, values @ ..] = rest {
        genotypes(treater, header, format, values, &mut out)?;
    }
    Ok(out.join("\t"))
}

fn identifiers(treater: &mut Treater<'_>, ids: &str) -> String {
    let all = ids.split(';').filter(|id| *id != ".").collect::<Vec<_>>();
    let kept = all.iter().filter(|id| is_public_id(id)).copied().collect::<Vec<_>>();
    treater.counts.add(Rule::Ids, (all.len() - kept.len()) as u64);
    if kept.is_empty() { ".".to_owned() } else { kept.join(";") }
}

fn filter_names(treater: &mut Treater<'_>, filters: &str) -> Result<String, &'static str> {
    if filters.split(';').any(str::is_empty) {
        return Err("one of its filters has no name");
    }
    let names = filters.split(';').map(|name| treater.filters.of(name, &mut treater.counts));
    Ok(names.collect::<Vec<_>>().join(";"))
}

fn alleles(treater: &mut Treater<'_>, alternates: &str) -> Result<String, &'static str> {
    if alternates == "." {
        return Ok(".".to_owned());
    }
    let treated = alternates.split(',').map(|allele| self::allele(treater, allele)).collect::<Option<Vec<_>>>();
    Ok(treated.ok_or("an alternate allele has a form the format does not know")?.join(","))
}

fn allele(treater: &mut Treater<'_>, allele: &str) -> Option<String> {
    if is_bases(allele) || allele == "*" {
        return Some(allele.to_owned());
    }
    if let Some(symbol) = allele.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        let plain = !symbol.is_empty() && !symbol.contains(['<', '>']);
        return plain.then(|| format!("<{}>", treater.symbols.of(symbol, &mut treater.counts)));
    }
    let single = allele.strip_prefix('.').or(allele.strip_suffix('.'));
    if single.is_some_and(is_bases) {
        return Some(allele.to_owned());
    }
    breakend(treater, allele)
}

/// `t[p[`, `t]p]`, `]p]t`, `[p[t`: bases `t` (or a point) and a place `p`.
fn breakend(treater: &mut Treater<'_>, allele: &str) -> Option<String> {
    let mark = allele.chars().find(|c| matches!(c, '[' | ']'))?;
    let mut parts = allele.split(mark);
    let (before, place, after) = (parts.next()?, parts.next()?, parts.next()?);
    let bases = |text: &str| text.is_empty() || text == "." || is_bases(text);
    if parts.next().is_some() || before.is_empty() == after.is_empty() || !bases(before) || !bases(after) {
        return None;
    }
    let (contig, position) = place.rsplit_once(':')?;
    if contig.is_empty() || !is_digits(position) || position.len() > 11 {
        return None;
    }
    let contig = match contig.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        Some(assembled) => format!("<{}>", treater.contigs.of(assembled, &mut treater.counts)),
        None => treater.contigs.of(contig, &mut treater.counts),
    };
    Some(format!("{before}{mark}{contig}:{position}{mark}{after}"))
}

fn information(treater: &mut Treater<'_>, header: &Header, info: &str) -> String {
    let mut kept = Vec::new();
    for field in info.split(';').filter(|field| *field != ".") {
        let stays = match field.split_once('=') {
            None => treater.info_kind(field, header) == Some(Kind::Flag),
            Some((key, value)) => treater.info_kind(key, header).is_some_and(|kind| kind.takes(value)),
        };
        if stays {
            kept.push(field);
        } else {
            treater.counts.add(Rule::InfoFields, 1);
        }
    }
    if kept.is_empty() { ".".to_owned() } else { kept.join(";") }
}

fn genotypes(
    treater: &mut Treater<'_>,
    header: &Header,
    format: &str,
    samples: &[&str],
    out: &mut Vec<String>,
) -> Result<(), &'static str> {
    let keys = format.split(':').collect::<Vec<_>>();
    let kinds = keys.iter().map(|key| treater.format_kind(key, header)).collect::<Vec<_>>();
    let kept = keys.iter().zip(&kinds).filter(|(_, kind)| kind.is_some()).map(|(key, _)| *key).collect::<Vec<_>>();
    treater.counts.add(Rule::FormatFields, (keys.len() - kept.len()) as u64);
    out.push(if kept.is_empty() { ".".to_owned() } else { kept.join(":") });
    for sample in samples {
        let values = sample.split(':').collect::<Vec<_>>();
        if values.len() > keys.len() {
            return Err("a sample has more values than the record has fields");
        }
        let mut treated = Vec::new();
        for ((key, kind), value) in keys.iter().zip(&kinds).zip(&values) {
            let Some(kind) = kind else { continue };
            let fits = *value == "." || kind.takes(value);
            if *key == "GT" && !fits {
                return Err("a genotype cannot be read");
            }
            treater.counts.add(Rule::FormatValues, u64::from(!fits));
            treated.push(if fits { *value } else { "." });
        }
        out.push(if treated.is_empty() { ".".to_owned() } else { treated.join(":") });
    }
    Ok(())
}
