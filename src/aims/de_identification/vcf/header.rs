//! The treated header: written anew from what is known to be harmless, so that nothing passes by being overlooked.

use std::fmt::Write as _;

use noodles_vcf::{
    Header,
    header::record::value::{
        Collection,
        map::{format, info},
    },
};

use super::{
    Treater,
    counts::Rule,
    keys::{self, Kind},
};

/// Text of every description, since the original ones are free text.
const DESCRIPTION: &str = "As reserved or common; original description removed";
/// Builds, as `##reference` or an assembly names them.
const BUILDS: &[(&str, &[&str])] = &[
    ("NCBI36", &["ncbi36", "hg18"]),
    ("GRCh37", &["grch37", "hg19", "b37", "hs37d5"]),
    ("GRCh38", &["grch38", "hg38"]),
    ("T2T-CHM13", &["chm13", "hs1"]),
];

/// Writes the header; the column line last.
pub(super) fn write(treater: &mut Treater<'_>, header: &Header) -> String {
    let mut out = format!("##fileformat=VCFv{}.{}\n", header.file_format().major(), header.file_format().minor());
    contigs(treater, header, &mut out);
    definitions(treater, header, &mut out);
    others(treater, header, &mut out);
    out += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    if !header.sample_names().is_empty() {
        out += "\tFORMAT";
    }
    for name in header.sample_names() {
        out.push('\t');
        out += &treater.sample(name);
        treater.counts.add(Rule::SampleNames, 1);
    }
    out.push('\n');
    out
}

fn contigs(treater: &mut Treater<'_>, header: &Header, out: &mut String) {
    for (name, contig) in header.contigs() {
        let name = treater.contigs.of(name, &mut treater.counts);
        let _ = write!(out, "##contig=<ID={name}");
        if let Some(length) = contig.length() {
            let _ = write!(out, ",length={length}");
        }
        for (tag, value) in contig.other_fields() {
            match build(value).filter(|_| tag.as_ref() == "assembly") {
                Some(build) => {
                    let _ = write!(out, ",assembly={build}");
                }
                None => treater.counts.add(Rule::Descriptions, 1),
            }
        }
        treater.counts.add(Rule::Descriptions, u64::from(contig.url().is_some()) + u64::from(contig.md5().is_some()));
        out.push_str(">\n");
    }
}

fn definitions(treater: &mut Treater<'_>, header: &Header, out: &mut String) {
    for (name, _) in header.filters() {
        let name = treater.filters.of(name, &mut treater.counts);
        let _ = writeln!(out, "##FILTER=<ID={name},Description=\"{DESCRIPTION}\">");
    }
    for (name, _) in header.alternative_alleles() {
        let name = treater.symbols.of(name, &mut treater.counts);
        let _ = writeln!(out, "##ALT=<ID={name},Description=\"{DESCRIPTION}\">");
    }
    treater.counts.add(Rule::Descriptions, (header.filters().len() + header.alternative_alleles().len()) as u64);
    for (key, map) in header.infos() {
        let Some(kind) = treater.info_kind(key, header) else {
            treater.counts.add(Rule::HeaderLines, 1);
            continue;
        };
        let number = if kind == Kind::Flag { "0".to_owned() } else { info_number(map.number()) };
        let _ =
            writeln!(out, "##INFO=<ID={key},Number={number},Type={},Description=\"{DESCRIPTION}\">", kind.declared());
        treater.counts.add(Rule::Descriptions, 1);
    }
    for (key, map) in header.formats() {
        let Some(kind) = treater.format_kind(key, header) else {
            treater.counts.add(Rule::HeaderLines, 1);
            continue;
        };
        let number = format_number(map.number());
        let _ =
            writeln!(out, "##FORMAT=<ID={key},Number={number},Type={},Description=\"{DESCRIPTION}\">", kind.declared());
        treater.counts.add(Rule::Descriptions, 1);
    }
}

/// `##reference` shrinks to its build, `##SAMPLE` and `##PEDIGREE` to pseudonyms; nothing else passes.
fn others(treater: &mut Treater<'_>, header: &Header, out: &mut String) {
    for (key, values) in header.other_records() {
        match (key.as_ref(), values) {
            ("reference", Collection::Unstructured(values)) => {
                let builds = values.iter().filter_map(|value| build(value));
                builds.for_each(|build| out.push_str(&format!("##reference={build}\n")));
                treater.counts.add(Rule::HeaderLines, values.len() as u64);
            }
            ("SAMPLE", Collection::Structured(samples)) => {
                for name in samples.keys() {
                    let name = treater.sample(name);
                    let _ = writeln!(out, "##SAMPLE=<ID={name}>");
                    treater.counts.add(Rule::Pedigree, 1);
                }
            }
            ("PEDIGREE", Collection::Structured(persons)) => {
                for (name, person) in persons {
                    let name = treater.sample(name);
                    let _ = write!(out, "##PEDIGREE=<ID={name}");
                    for (tag, relative) in person.other_fields() {
                        if let Some(tag) = ["Father", "Mother", "Original"].into_iter().find(|t| *t == tag.as_ref()) {
                            let relative = treater.sample(relative);
                            let _ = write!(out, ",{tag}={relative}");
                        }
                    }
                    out.push_str(">\n");
                    treater.counts.add(Rule::Pedigree, 1);
                }
            }
            (_, Collection::Unstructured(values)) => treater.counts.add(Rule::HeaderLines, values.len() as u64),
            (_, Collection::Structured(values)) => treater.counts.add(Rule::HeaderLines, values.len() as u64),
        }
    }
}

/// The public build a text names, if it names exactly one.
fn build(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let mut found = BUILDS.iter().filter(|(_, words)| words.iter().any(|word| text.contains(word)));
    match (found.next(), found.next()) {
        (Some((build, _)), None) => Some(build),
        _ => None,
    }
}

fn info_number(number: info::Number) -> String {
    match number {
        info::Number::Count(n) => n.to_string(),
        info::Number::AlternateBases => "A".to_owned(),
        info::Number::ReferenceAlternateBases => "R".to_owned(),
        info::Number::Samples => "G".to_owned(),
        info::Number::Unknown => ".".to_owned(),
    }
}

fn format_number(number: format::Number) -> String {
    match number {
        format::Number::Count(n) => n.to_string(),
        format::Number::AlternateBases => "A".to_owned(),
        format::Number::ReferenceAlternateBases => "R".to_owned(),
        format::Number::Samples => "G".to_owned(),
        format::Number::LocalAlternateBases => "LA".to_owned(),
        format::Number::LocalReferenceAlternateBases => "LR".to_owned(),
        format::Number::LocalSamples => "LG".to_owned(),
        format::Number::Ploidy => "P".to_owned(),
        format::Number::BaseModifications => "M".to_owned(),
        format::Number::Unknown => ".".to_owned(),
    }
}

impl Treater<'_> {
    /// What an INFO field is, if it stays.
    pub(super) fn info_kind(&self, key: &str, header: &Header) -> Option<Kind> {
        let asked = || self.keep_info.contains(key).then(|| header.infos().get(key)).flatten();
        keys::info(key).or_else(|| match asked()?.ty() {
            info::Type::Integer => Some(Kind::Integer),
            info::Type::Float => Some(Kind::Float),
            info::Type::Flag => Some(Kind::Flag),
            info::Type::Character | info::Type::String => None,
        })
    }

    /// What a FORMAT field is, if it stays.
    pub(super) fn format_kind(&self, key: &str, header: &Header) -> Option<Kind> {
        let asked = || self.keep_format.contains(key).then(|| header.formats().get(key)).flatten();
        keys::format(key).or_else(|| match asked()?.ty() {
            format::Type::Integer => Some(Kind::Integer),
            format::Type::Float => Some(Kind::Float),
            format::Type::Character | format::Type::String => None,
        })
    }
}
