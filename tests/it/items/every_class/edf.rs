//! EDF, EDF+, BDF and BDF+ of one recording. The writer of the Back End knows EDF+ alone; the others are made from its
//! files by the published layouts (edfplus.info; biosemi.com), field by field.

use health_back_end::schema::wire::DataFormat;

const FIXED: usize = 256;
const ANNOTATIONS: &str = "EDF Annotations";
/// Label, transducer, dimension, physical and digital ranges, filter, samples of a record, reserved.
const WIDTHS: [usize; 10] = [16, 80, 8, 8, 8, 8, 8, 80, 8, 32];
const LABEL: usize = 0;
const DIGITAL: [usize; 2] = [5, 6];
const SAMPLES: usize = 8;

/// A recording in a format, from EDF+.
pub fn from_edf_plus(file: &[u8], format: DataFormat) -> Vec<u8> {
    match format {
        DataFormat::EdfPlus => file.to_vec(),
        DataFormat::Edf => rewrite(file, false, false),
        DataFormat::Bdf => rewrite(file, true, false),
        DataFormat::BdfPlus => rewrite(file, true, true),
        other => panic!("{} is no format of this family", other.word()),
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim_end()
}

/// `wide` for three bytes a sample, `plus` with the annotations.
fn rewrite(file: &[u8], wide: bool, plus: bool) -> Vec<u8> {
    let (records, channels): (usize, usize) =
        (text(&file[236..244]).parse().unwrap(), text(&file[252..256]).parse().unwrap());
    let mut at = FIXED;
    let mut fields: Vec<Vec<String>> = Vec::new();
    for width in WIDTHS {
        fields.push((0..channels).map(|n| text(&file[at + n * width..at + (n + 1) * width]).to_owned()).collect());
        at += channels * width;
    }
    let lengths: Vec<usize> = fields[SAMPLES].iter().map(|samples| samples.parse().unwrap()).collect();
    let is_annotation: Vec<bool> = fields[LABEL].iter().map(|label| label == ANNOTATIONS).collect();
    let kept: Vec<usize> = (0..channels).filter(|n| plus || !is_annotation[*n]).collect();
    for n in kept.iter().copied().filter(|n| wide && is_annotation[*n]) {
        fields[LABEL][n] = "BDF Annotations".to_owned();
        fields[SAMPLES][n] = (lengths[n] * 2).div_ceil(3).to_string();
        (fields[DIGITAL[0]][n], fields[DIGITAL[1]][n]) = ("-8388608".to_owned(), "8388607".to_owned());
    }
    let mut out = fixed(file, kept.len(), wide, plus);
    for (width, values) in WIDTHS.iter().zip(&fields) {
        kept.iter().for_each(|n| out.extend(format!("{:<width$}", values[*n], width = *width).into_bytes()));
    }
    for _ in 0..records {
        for (n, samples) in lengths.iter().enumerate() {
            let bytes = &file[at..at + samples * 2];
            at += samples * 2;
            match (kept.contains(&n), wide, is_annotation[n]) {
                (false, ..) => {}
                (true, false, _) => out.extend(bytes),
                (true, true, true) => {
                    out.extend(bytes);
                    out.resize(out.len() + (samples * 2).div_ceil(3) * 3 - samples * 2, 0);
                }
                (true, true, false) => out.extend(bytes.chunks(2).flat_map(|two| {
                    let sample = i32::from(i16::from_le_bytes([two[0], two[1]])).to_le_bytes();
                    [sample[0], sample[1], sample[2]]
                })),
            }
        }
    }
    assert_eq!(at, file.len());
    out
}

fn fixed(file: &[u8], channels: usize, wide: bool, plus: bool) -> Vec<u8> {
    let mut fixed = file[..FIXED].to_vec();
    if wide {
        fixed[..8].copy_from_slice(b"\xffBIOSEMI");
    }
    let reserved = match (wide, plus) {
        (true, true) => "BDF+C",
        (true, false) => "24BIT",
        (false, _) => "",
    };
    let header = FIXED * (channels + 1);
    for (from, to, value) in
        [(184, 192, header.to_string()), (192, 236, reserved.to_owned()), (252, 256, channels.to_string())]
    {
        fixed[from..to].copy_from_slice(format!("{value:<width$}", width = to - from).as_bytes());
    }
    fixed
}
