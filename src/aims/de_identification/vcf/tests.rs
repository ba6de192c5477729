use serde_json::{Value, json};

use super::{treat, treated};
use crate::{
    aims::ai_modules::{
        pseudonyms::Pseudonyms,
        treatment::{Treated, Treatment},
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

fn attempt(payload: &[u8], parameters: Value) -> Result<Treated, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let pseudonyms = Pseudonyms::new([7; 32]);
    let treatment = Treatment { format: DataFormat::Vcf, parameters: &parameters, payload, pseudonyms: &pseudonyms };
    // What is done to names does not depend on how many there are.
    treated(&treatment, usize::MAX).map_err(|error| error.to_string())
}

#[test]
fn a_file_of_several_people_is_not_treated_under_one_licence() {
    let file = |names: &str, calls: &str| {
        format!(
            "##fileformat=VCFv4.3\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
             #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n1\t100\t.\tA\tG\t50\tPASS\t.\tGT\t{calls}\n"
        )
    };
    let (parameters, pseudonyms) = (serde_json::Map::new(), Pseudonyms::new([7; 32]));
    let ask = |text: String| {
        let payload = text.as_bytes();
        treat(&Treatment { format: DataFormat::Vcf, parameters: &parameters, payload, pseudonyms: &pseudonyms })
    };
    let why = ask(file("Sarah\tHannah", "0/1\t1/1")).unwrap_err();
    assert!(why.contains("the genotypes of 2 people") && !why.contains("Sarah"), "{why}");
    assert_eq!(ask(file("Sarah", "0/1")).unwrap().status, DataStatus::Pseudonymised);
}

/// Hands out identifiers and remembers them.
#[derive(Default)]
struct Planted(Vec<String>);

impl Planted {
    /// A word no column needs for anything else.
    fn word(&mut self) -> String {
        let names = ["Guinevere", "Lancelot", "Mordred", "Percival", "Bedivere", "Galahad", "Gawain", "Tristan"];
        let number = self.0.len();
        self.0.push(format!("{}Xq{number}z", names[number % names.len()]));
        self.0[number].clone()
    }
}

/// A file with an identifier in every place that can hold one.
fn file_with_identifiers(planted: &mut Planted) -> String {
    let mut p = || planted.word();
    let samples = (0..20).map(|_| p()).collect::<Vec<_>>();
    let mut file = "##fileformat=VCFv4.2\n".to_owned();
    let keys =
        ["fileDate", "source", "commandline", "contact", "bcftools_viewCommand", "GATKCommandLine.Mutect", "note"];
    for key in keys {
        file += &format!("##{key}=/home/{}/runs/{}.bam --date {}\n", p(), p(), p());
    }
    for _ in 0..10 {
        file += &format!("##{}={}\n", p(), p());
    }
    file += &format!("##reference=file:///data/{}/GRCh38.fa\n", p());
    file += &format!("##GATKCommandLine=<ID={},CommandLine=\"call --in {}\",Date=\"{}\">\n", p(), p(), p());
    file += &format!("##META=<ID={},Type=String,Number=.,Values=[{}, {}]>\n", p(), p(), p());
    file += &format!("##SAMPLE=<ID={},Description=\"{} born {}\">\n", samples[0], p(), p());
    file += &format!("##SAMPLE=<ID={},Description=\"{}\">\n", p(), p());
    file += &format!("##PEDIGREE=<ID={},Father={},Mother={},Note={}>\n", samples[0], samples[1], p(), p());
    file += &format!("##contig=<ID=chr1,length=248956422,assembly={},species=\"{}\">\n", p(), p());
    let contig = p();
    file += &format!("##contig=<ID={contig},length=1000,URL=http://{}.example/>\n", p());
    let filter = p();
    file += &format!("##FILTER=<ID={filter},Description=\"{}\">\n", p());
    file += &format!("##ALT=<ID={},Description=\"{}\">\n", p(), p());
    file += &format!("##INFO=<ID=DP,Number=1,Type=Integer,Description=\"{}\",Source=\"{}\">\n", p(), p());
    let (text_key, number_key) = (p(), p());
    file += &format!("##INFO=<ID={text_key},Number=1,Type=String,Description=\"{}\">\n", p());
    file += &format!("##INFO=<ID={number_key},Number=1,Type=Integer,Description=\"{}\">\n", p());
    file += "##INFO=<ID=SCORE,Number=1,Type=Float,Description=\"x\">\n";
    file += &format!("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"{}\">\n", p());
    file += &format!("##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"{}\">\n", p());
    let format_key = p();
    file += &format!("##FORMAT=<ID={format_key},Number=1,Type=String,Description=\"{}\">\n", p());
    file += &format!("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\n", samples.join("\t"));
    for at in 1..=20 {
        let columns = (0..20).map(|n| match n {
            0 => format!("0|1:17:{}", p()),
            1 => format!("1/1:{}:{}", p(), p()),
            2 => "./.".to_owned(),
            n => format!("{}/1:{n}:.", n % 2),
        });
        let columns = columns.collect::<Vec<_>>().join("\t");
        let id = format!("rs{at};{}", p());
        let info = format!("DP=12;{text_key}={};{number_key}=5;END={};SCORE=0.5;{};AF={}", p(), p(), p(), p());
        file += &format!("chr1\t{at}\t{id}\tA\tG\t30\tPASS;{filter}\t{info}\tGT:DP:{format_key}\t{columns}\n");
    }
    let others = (0..20).map(|_| "0/1".to_owned()).collect::<Vec<_>>().join("\t");
    file += &format!("{contig}\t5\t{}\tA\t<{}>,G]{contig}:9]\t.\t{filter}\t.\tGT\t{others}\n", p(), p());
    for _ in 0..10 {
        file += &format!("# {} {}\n\n", p(), p());
    }
    file
}

/// The genotype matrix with its places and alleles.
fn genotypes(file: &str) -> Vec<Vec<String>> {
    let records = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let cells = |line: &str| {
        let columns = line.split('\t').collect::<Vec<_>>();
        let genotype = |sample: &&str| sample.split(':').next().unwrap_or_default().to_owned();
        let place = [1, 3, 5].map(|place| columns[place].to_owned());
        place.into_iter().chain(columns[9..].iter().map(genotype)).collect()
    };
    records.map(cells).collect()
}

#[test]
fn no_planted_identifier_is_left_and_every_genotype_is() {
    let mut planted = Planted::default();
    let file = file_with_identifiers(&mut planted);
    assert!(planted.0.len() > 200, "{} planted", planted.0.len());
    assert!(planted.0.iter().all(|word| file.contains(word.as_str())));
    let treated = attempt(file.as_bytes(), Value::Null).unwrap();
    let out = String::from_utf8(treated.payload).unwrap();
    let lower = out.to_lowercase();
    let found = planted.0.iter().filter(|word| lower.contains(&word.to_lowercase())).count();
    assert_eq!(found, 0, "{out}");
    for part in ["home", "http", "bam", "guinevere", "mutect"] {
        assert!(!lower.contains(part), "{part}: {out}");
    }
    assert_eq!(genotypes(&out), genotypes(&file));
    assert_eq!(treated.status, DataStatus::Pseudonymised);
    let said = format!("{:?}{:?}{:?}", treated.steps, treated.measures, treated.residual);
    assert!(!planted.0.iter().any(|word| said.contains(word.as_str())));
    println!("planted identifiers: {}, found: {found}", planted.0.len());
}

#[test]
fn samples_relations_and_structure_stay_whole() {
    let mut planted = Planted::default();
    let file = file_with_identifiers(&mut planted);
    let treated = attempt(file.as_bytes(), Value::Null).unwrap();
    let out = String::from_utf8(treated.payload).unwrap();
    let pseudonym = |name: &str| Pseudonyms::new([7; 32]).of("sample", name);
    let of = |place: usize| pseudonym(&planted.0[place]);
    assert!(out.contains(&format!("##PEDIGREE=<ID={},Father={},Mother=P-", of(0), of(1))), "{out}");
    assert!(out.contains(&format!("FORMAT\t{}\t{}", of(0), of(1))));
    let mapped = treated.mapping.iter().find(|m| m.original == planted.0[0]).unwrap();
    assert_eq!((mapped.kind.as_str(), mapped.pseudonym.as_str()), ("sample", of(0).as_str()));
    assert!(treated.mapping.len() >= 22);
    for kept in ["##reference=GRCh38\n", "ID=chr1,length=248956422>", "\trs7\t", "DP=12\t", "PASS;filter1", "<symbol2>"]
    {
        assert!(out.contains(kept), "{kept}: {out}");
    }
    assert!(out.contains("contig1\t5\t.\tA\t<symbol2>,G]contig1:9]\t.\tfilter1\t.\tGT\t0/1"), "{out}");
    assert!(!out.contains("SCORE"));
    let step = |rule: &str| treated.steps.iter().find(|s| s.rule.contains(rule)).map(|s| s.count);
    assert_eq!(step("sample names"), Some(20));
    assert_eq!(step("are no records"), Some(20));
    assert_eq!(step("set to missing"), Some(20));
}

#[test]
fn further_fields_stay_only_when_asked_for_and_declared_as_numbers() {
    let mut planted = Planted::default();
    let file = file_with_identifiers(&mut planted);
    let text_key = file.split("##INFO=<ID=").skip(1).find(|part| part.contains("Type=String")).unwrap();
    let text_key = text_key.split(',').next().unwrap();
    let treated = attempt(file.as_bytes(), json!({"KeepInfo": ["SCORE", text_key]})).unwrap();
    let out = String::from_utf8(treated.payload).unwrap();
    assert!(out.contains("##INFO=<ID=SCORE,Number=1,Type=Float") && out.contains("DP=12;SCORE=0.5"));
    assert!(!out.contains(text_key));
    for parameters in [json!({"KeepInfo": "SCORE"}), json!({"KeepFormat": ["a b"]}), json!({"KeepFormat": [5]})] {
        assert!(attempt(file.as_bytes(), parameters).unwrap_err().contains("Keep"));
    }
}

#[test]
fn the_same_file_gives_the_same_pseudonyms_and_another_key_others() {
    let file = file_with_identifiers(&mut Planted::default());
    let once = attempt(file.as_bytes(), Value::Null).unwrap().payload;
    assert_eq!(once, attempt(file.as_bytes(), Value::Null).unwrap().payload);
    let (parameters, pseudonyms) = (serde_json::Map::new(), Pseudonyms::new([8; 32]));
    let input = Treatment {
        format: DataFormat::Vcf,
        parameters: &parameters,
        payload: file.as_bytes(),
        pseudonyms: &pseudonyms,
    };
    assert_ne!(once, treated(&input, usize::MAX).unwrap().payload);
    // What was treated once has nothing left to remove.
    let again = attempt(&once, Value::Null).unwrap();
    assert_eq!(genotypes(&String::from_utf8(again.payload).unwrap()), genotypes(&file));
}

#[test]
fn what_cannot_be_read_is_refused_and_not_passed_on() {
    let good = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tSarah\n\
                1\t5\t.\tA\tG\t.\tPASS\t.\tGT\t0/1\n";
    assert!(attempt(good.as_bytes(), Value::Null).is_ok());
    let cases = [
        (String::new(), "the payload is empty"),
        ("%PDF-1.7".to_owned(), "not a VCF 4 file"),
        (good.trim_end().to_owned(), "ends early"),
        (good.replace("#CHROM", "#Sarah"), "the header"),
        (good.replace("##fileformat=VCFv4.3\n", "##fileformat=VCFv4.3\nSarah was here\n"), "the header"),
        (good.replace("\t0/1", ""), "line 3 is not a valid record"),
        (good.replace("\t0/1", "\tSarah"), "a genotype"),
        (good.replace("\t0/1", "\t0/1:Sarah"), "more values"),
        (good.replace("\tA\tG", "\tSarah\tG"), "reference allele"),
        (good.replace("\tA\tG", "\tA\tSarah"), "alternate allele"),
        (good.replace("\tA\tG", "\tA\tG]Sarah]"), "alternate allele"),
        (good.replace("\t5\t", "\tSarah\t"), "no place"),
        (good.replace("G\t.\tPASS", "G\tSarah\tPASS"), "quality"),
        (good.replace("PASS", "PASS;"), "filters"),
    ];
    for (file, reason) in cases {
        let refusal = attempt(file.as_bytes(), Value::Null).unwrap_err();
        assert!(refusal.contains(reason), "{reason}: {refusal}");
        assert!(!refusal.contains("Sarah"));
    }
    let mut packed = b"\x1f\x8b\x08\x04".to_vec();
    packed.extend(good.as_bytes());
    assert!(attempt(&packed, Value::Null).unwrap_err().contains("bgzip"));
    let (parameters, pseudonyms) = (serde_json::Map::new(), Pseudonyms::new([8; 32]));
    let input = Treatment {
        format: DataFormat::Csv,
        parameters: &parameters,
        payload: good.as_bytes(),
        pseudonyms: &pseudonyms,
    };
    assert_eq!(treat(&input).unwrap_err(), "this treatment reads VCF only");
}
