//! Files of every format that is treated, with identifiers in every place of them that can hold one.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use health_back_end::aims::aih_data_processing::ecg::{
    edf_writer::{self, EdfContents},
    synthetic::SyntheticEcg,
};
use serde_json::{Value, json};
use time::macros::datetime;

/// Identifiers given out so far, each unlike anything else in the files.
#[derive(Default)]
pub struct Garden {
    pub planted: Vec<String>,
    /// Letters of 45 CFR 164.514(b)(2)(i) of which something was planted by class.
    pub classes: BTreeSet<char>,
}

impl Garden {
    fn plant(&mut self, identifier: String) -> String {
        self.planted.push(identifier.clone());
        identifier
    }

    /// A number of five letters, as words have it.
    fn letters(&self) -> String {
        let mut n = self.planted.len() + 1_000;
        let mut text = String::new();
        for _ in 0..5 {
            text.push(char::from(b'a' + (n % 26) as u8));
            n /= 26;
        }
        text
    }

    fn name(&mut self) -> String {
        let name = format!("Zwq{} Vrk{}", self.letters(), self.letters());
        self.plant(name)
    }

    fn word(&mut self) -> String {
        let word = format!("Ykz{}", self.letters());
        self.plant(word)
    }

    fn record(&mut self) -> String {
        let record = format!("MRN83{:05}", self.planted.len());
        self.plant(record)
    }

    fn mail(&mut self) -> String {
        let mail = format!("{}.xq@planted.example", self.letters());
        self.plant(mail)
    }

    fn telephone(&mut self) -> String {
        let number = format!("+44 20 7946 {:05}", self.planted.len());
        self.plant(number)
    }

    /// Something of one of the eighteen classes, in the form in which it is written.
    fn of(&mut self, class: char) -> String {
        self.classes.insert(class);
        let n = self.planted.len();
        let text = match class {
            'A' => return self.name(),
            'B' => format!("{n} Zwqgate Crescent"),
            'C' => format!("19{:02}-{:02}-{:02}", 51 + n % 30, 1 + n % 12, 1 + n % 28),
            'D' => return self.telephone(),
            'E' => format!("+44 20 7947 {n:05}"),
            'F' => return self.mail(),
            'G' => format!("9{:02}-55-{n:04}", n % 100),
            'H' => return self.record(),
            'I' => format!("HPB-77{n:05}"),
            'J' => format!("ACC-66{n:05}"),
            'K' => format!("S55{n:06}"),
            'L' => format!("4WL {n:04}X"),
            'M' => format!("PM-44{n:05}"),
            'N' => format!("https://zwq{n}.planted.example/home"),
            'O' => format!("203.0.{}.{}", 100 + n / 200, n % 200),
            'P' => format!("FP-33{n:05}ab"),
            'Q' => STANDARD.encode(format!("face {n:05} of somebody")),
            _ => format!("GOLD-22{n:05}"),
        };
        self.plant(text)
    }

    /// How many stand in some bytes, in whatever case.
    pub fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        self.planted.iter().map(String::as_str).filter(|planted| text.contains(&planted.to_lowercase())).collect()
    }
}

/// A table of a person in each row.
pub fn table(garden: &mut Garden, rows: usize, delimiter: char) -> Vec<u8> {
    let mut lines = vec!["record,full_name,mail,telephone,age,sex,finding".to_owned()];
    for n in 0..rows {
        let (record, name, mail, telephone) = (garden.record(), garden.name(), garden.mail(), garden.telephone());
        let (sex, finding) = (["f", "m"][n % 2], ["asthma", "migraine", "gout"][n % 3]);
        lines.push(format!("{record},{name},{mail},{telephone},{},{sex},{finding}", 30 + n % 20));
    }
    (lines.join("\n") + "\n").replace(',', &delimiter.to_string()).into_bytes()
}

/// An EDF+ recording whose header and annotations tell.
pub fn recording(garden: &mut Garden) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let note = format!("seen by {}", garden.word());
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &[1.0, 2.0, 3.0],
        beat_text: &note,
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    let patient = format!("{} F 02-MAY-1951 {}", garden.record(), garden.word());
    let session = format!("Startdate 01-JAN-2026 {} {} {}", garden.record(), garden.word(), garden.word());
    for (at, text) in [(8, patient), (88, session)] {
        assert!(text.len() <= 80, "{text}");
        bytes[at..at + 80].copy_from_slice(format!("{text:<80}").as_bytes());
    }
    bytes
}

/// A WFDB record.
pub fn archive(garden: &mut Garden) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let values: Vec<i16> = made.samples_mv.iter().map(|mv| (mv * 200.0) as i16).collect();
    let signal: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let checksum = values.iter().fold(0_i16, |sum, value| sum.wrapping_add(*value));
    let name = garden.record();
    let mut header = format!(
        "{name} 1 250 {} 08:00:00 01/01/2026\n{name}.dat 16 200(0)/mV 12 0 {} {checksum} 0 {}\n",
        values.len(),
        values[0],
        garden.word(),
    );
    for _ in 0..60 {
        header.push_str(&format!("# {} saw {}\n", garden.name(), garden.record()));
    }
    let mut archive = tar::Builder::new(Vec::new());
    for (extension, contents) in [("hea", header.as_bytes()), ("dat", &signal)] {
        let mut entry = tar::Header::new_ustar();
        entry.set_size(contents.len() as u64);
        entry.set_mode(0o644);
        entry.set_username(&garden.word()).unwrap();
        archive.append_data(&mut entry, format!("{name}.{extension}"), contents).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A VCF file.
pub fn variants(garden: &mut Garden) -> Vec<u8> {
    let mut text = "##fileformat=VCFv4.3\n##contig=<ID=1>\n".to_owned();
    for _ in 0..40 {
        text.push_str(&format!("##{}={} by {}\n", garden.word(), garden.mail(), garden.name()));
    }
    text.push_str("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n");
    text.push_str(&format!("##INFO=<ID=NOTE,Number=1,Type=String,Description=\"{}\">\n", garden.name()));
    let samples: Vec<String> = (0..80).map(|_| garden.record()).collect();
    // One person's genotypes; a header that names the whole study.
    for sample in &samples {
        text.push_str(&format!("##SAMPLE=<ID={sample}>\n"));
    }
    let own = &samples[..1];
    text.push_str(&format!("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\n", own.join("\t")));
    for n in 0..10 {
        let line = format!("1\t{}\t{}\tA\tG\t50\tPASS\tNOTE={}\tGT", 1_000 + n, garden.word(), garden.word());
        text.push_str(&format!("{line}{}\n", "\t0/1".repeat(own.len())));
    }
    text.into_bytes()
}

/// One person's record, with identifiers of all eighteen classes of Safe Harbor and more in every text.
pub fn record(garden: &mut Garden) -> Vec<u8> {
    let person = "https://ehr.example/fhir/Patient/p1";
    let entry = |url: &str, resource: Value| json!({"fullUrl": url, "resource": resource});
    let typed = |code: &str, value: String| json!({"type": {"coding": [{"code": code}]}, "value": value});
    let named =
        |system: &str, value: String| json!({"system": format!("https://ids.example/{system}"), "value": value});
    let identifiers = [
        named("us-ssn", garden.of('G')),
        typed("MR", garden.of('H')),
        typed("MB", garden.of('I')),
        typed("AN", garden.of('J')),
        typed("DL", garden.of('K')),
        named("license-plate", garden.of('L')),
        named("ip-address", garden.of('O')),
        named("fingerprint", garden.of('P')),
        named("card", garden.of('R')),
    ];
    let patient = json!({
        "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": garden.of('C'),
        "text": {"status": "generated", "div": format!("<div>{}</div>", garden.of('A'))},
        "identifier": identifiers,
        "name": [{"family": garden.word(), "given": [garden.word()], "text": garden.of('A')}],
        "telecom": [
            {"system": "phone", "value": garden.of('D')}, {"system": "fax", "value": garden.of('E')},
            {"system": "email", "value": garden.of('F')}, {"system": "url", "value": garden.of('N')},
        ],
        "address": [{"line": [garden.of('B')], "city": garden.word(), "country": "IT"}],
        "photo": [{"contentType": "image/png", "data": garden.of('Q')}],
        "contact": [{"name": {"text": garden.of('A')}, "telecom": [{"system": "email", "value": garden.of('F')}]}],
        "extension": [{"url": "https://hospital.example/nickname", "valueString": garden.word()}],
    });
    let pump = json!({
        "resourceType": "Device", "id": "d1", "serialNumber": garden.of('M'), "patient": {"reference": person},
        "deviceName": [{"name": garden.word(), "type": "user-friendly-name"}],
    });
    let mut entries = vec![entry(person, patient), entry("https://ehr.example/fhir/Device/d1", pump)];
    for n in 0..20 {
        let heart_rate =
            json!({"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": garden.word()}]});
        let observation = json!({
            "resourceType": "Observation", "id": format!("o{n}"), "status": "final", "code": heart_rate,
            "subject": {"reference": person, "display": garden.name()},
            "effectiveDateTime": "2026-02-03T10:00:00Z", "note": [{"text": format!("{} called {}", garden.name(), garden.telephone())}],
            "valueQuantity": {"value": 70 + n, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        });
        entries.push(entry(&format!("https://ehr.example/fhir/Observation/o{n}"), observation));
    }
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string().into_bytes()
}

/// A Bundle of many patients, each with a condition or two: five diseases over ten years of birth.
pub fn cohort(garden: &mut Garden, persons: usize) -> Vec<u8> {
    let codes = ["I48.0", "E11.9", "J45.20", "I10", "M10.9"];
    let mut entries = Vec::new();
    for n in 0..persons {
        let told = garden.name();
        entries.push(json!({
            "resourceType": "Patient", "id": format!("p{n}"), "gender": if n % 2 == 0 { "female" } else { "male" },
            "birthDate": format!("{}-03-09", 1950 + n % 10),
            "identifier": [{"system": "https://hospital.example/mrn", "value": garden.record()}],
            "name": [{"text": told}], "telecom": [{"system": "phone", "value": garden.telephone()}],
            "address": [{"use": "home", "line": [garden.word()], "city": garden.word(), "state": "MA", "postalCode": "02139", "country": "US"}],
        }));
        for (of, code) in [(0, codes[n % 5]), (1, codes[(n + 2) % 5])].into_iter().take(1 + usize::from(n % 3 == 0)) {
            entries.push(json!({
                "resourceType": "Condition", "id": format!("c{n}-{of}"), "recordedDate": "2026-02-03",
                "subject": {"reference": format!("Patient/p{n}"), "display": told},
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}], "text": garden.word()},
            }));
        }
    }
    let entries: Vec<Value> = entries.into_iter().map(|resource| json!({"resource": resource})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string().into_bytes()
}

/// A CT image.
pub fn image(garden: &mut Garden) -> Vec<u8> {
    use dicom_core::{DataElement, PrimitiveValue, VR};
    use dicom_dictionary_std::tags;
    use dicom_object::{InMemDicomObject, meta::FileMetaTableBuilder};

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    let instance = format!("1.2.826.0.1.3680043.8.498.77{}", garden.planted.len());
    let instance = garden.plant(instance);
    let told: Vec<String> = (0..6).map(|_| garden.word()).collect();
    let texts = [
        (tags::SOP_CLASS_UID, VR::UI, CT.to_owned()),
        (tags::SOP_INSTANCE_UID, VR::UI, instance.clone()),
        (tags::STUDY_DATE, VR::DA, "20260203".to_owned()),
        (tags::ACCESSION_NUMBER, VR::SH, garden.record()),
        (tags::MODALITY, VR::CS, "CT".to_owned()),
        (tags::BURNED_IN_ANNOTATION, VR::CS, "NO".to_owned()),
        (tags::INSTITUTION_NAME, VR::LO, told[0].clone()),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN, told[1].clone()),
        (tags::STUDY_DESCRIPTION, VR::LO, told[2].clone()),
        (tags::OPERATORS_NAME, VR::PN, told[3].clone()),
        (tags::PATIENT_NAME, VR::PN, told[4].clone()),
        (tags::PATIENT_ID, VR::LO, garden.record()),
        (tags::PATIENT_ADDRESS, VR::LO, told[5].clone()),
        (tags::PATIENT_COMMENTS, VR::LT, format!("{} of {}", garden.name(), garden.mail())),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.8.498.3".to_owned()),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.8.498.4".to_owned()),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2".to_owned()),
        (tags::PIXEL_SPACING, VR::DS, "1\\1".to_owned()),
    ];
    let mut object = InMemDicomObject::new_empty();
    for (tag, vr, text) in texts {
        object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
    }
    let numbers = [
        (tags::SAMPLES_PER_PIXEL, 1_u16),
        (tags::ROWS, 4),
        (tags::COLUMNS, 4),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 16),
        (tags::HIGH_BIT, 15),
        (tags::PIXEL_REPRESENTATION, 0),
    ];
    for (tag, number) in numbers {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(number)));
    }
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(vec![7_u16; 16].into())));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax("1.2.840.10008.1.2.1")
        .media_storage_sop_class_uid(CT)
        .media_storage_sop_instance_uid(instance);
    let mut bytes = Vec::new();
    object.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
    bytes
}

/// Step counts.
pub fn steps(garden: &mut Garden) -> Vec<u8> {
    let who = garden.record();
    let minutes = (0..30).map(|n| {
        json!({
            "timestamp": format!("2026-02-03T10:{n:02}:00Z"), "steps": 10 + n, "subject": who, "note": garden.name(),
        })
    });
    let minutes: Vec<Value> = minutes.collect();
    json!(minutes).to_string().into_bytes()
}
