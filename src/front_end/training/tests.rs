//! Front Ends and Back End together, without the network between: what three rounds make of ten people's recordings, clean
//! and with three attackers; and whether an independent runtime says of each beat what the trained network says.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::learner::{Recipe, fresh, train};
use crate::{
    aims::{
        ai_modules::input::Input,
        aih_data_processing::{
            ecg::{
                EcgRecording, detect_events,
                edf_writer::{self, EdfContents},
                recording::RecordingParts,
                synthetic_beats::{LabelledRecording, SyntheticBeats},
            },
            nn::{self, windows::windows},
        },
        federated_learning::aggregation::{Answer, Plan, aggregate, screen::Limits, slices::Numbers},
    },
    domain::operation::Operation,
    mpai_store::models::{declaration::Declaration, examples::Examples, layout::Layout, network::Network, onnx},
    schema::wire::{Aggregation, DataFormat},
};

fn person(seed: u64) -> SyntheticBeats {
    SyntheticBeats {
        seed,
        sampling_rate_hz: 200.0,
        duration_s: 60.0,
        ventricular: 0.05 + 0.04 * (seed % 4) as f64,
        supraventricular: 0.03 + 0.04 * (seed % 3) as f64,
        noise_mv: 0.02 + 0.02 * (seed % 3) as f64,
    }
}

fn recording(made: &LabelledRecording) -> EcgRecording {
    let parts = RecordingParts {
        sampling_rate_hz: 200.0,
        samples_mv: made.samples_mv.clone(),
        calibrated: true,
        ..RecordingParts::default()
    };
    EcgRecording::new(parts).unwrap()
}

fn examples(seed: u64, declared: &Declaration) -> Examples {
    let made = person(seed).generate().unwrap();
    let recording = recording(&made);
    let beats = detect_events(&recording).unwrap().event_times_seconds;
    let (mut numbers, mut labels) = (Vec::new(), Vec::new());
    for window in windows(&recording, &beats, declared) {
        let near = |beat: &&(f64, _)| (beat.0 - window.at_s).abs() < 0.15;
        let Some((_, kind)) = made.beats.iter().find(near) else { continue };
        numbers.extend(window.numbers);
        labels.push(declared.class(kind.letter()).unwrap());
    }
    Examples::new(declared.inputs(), numbers, labels).unwrap()
}

/// What three attackers of ten do together.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Attack {
    None,
    /// All send the same: what they learned, turned and three times as long.
    Collude,
}

struct World {
    declared: Declaration,
    people: Vec<Examples>,
    held_out: Examples,
}

impl World {
    fn new() -> Self {
        let declared = Declaration::beat_classifier(10);
        let people = (1..=10).map(|seed| examples(seed, &declared)).collect();
        let mut held_out = Examples::default();
        for seed in 901..=904 {
            held_out.append(&examples(seed, &declared)).unwrap();
        }
        Self { declared, people, held_out }
    }

    /// Held-out accuracy after three rounds.
    fn learn(&self, rule: Aggregation, attack: Attack, screens: bool) -> f64 {
        let mut common = fresh(self.declared.clone(), 1).write().unwrap();
        for round in 0..3_u64 {
            let mut answers: Vec<Vec<u8>> = Vec::new();
            for (n, own) in self.people.iter().enumerate() {
                let mut network = Network::read(&common).unwrap();
                let recipe = Recipe { epochs: 4, learning_rate: 0.01, batch: 16, seed: round * 100 + n as u64 };
                train(&mut network, own, &recipe);
                answers.push(network.write().unwrap());
            }
            if attack == Attack::Collude {
                let turned = turn(&common, &answers[0]);
                for (n, answer) in answers.iter_mut().take(3).enumerate() {
                    *answer = nudge(&turned, n);
                }
            }
            common = combine(&common, &answers, rule, screens);
        }
        Network::read(&common).unwrap().quality(&self.held_out).accuracy
    }
}

fn turn(base: &[u8], learned: &[u8]) -> Network {
    let (base, mut learned) = (Network::read(base).unwrap(), Network::read(learned).unwrap());
    let layers = [(&mut learned.hidden, &base.hidden), (&mut learned.output, &base.output)];
    for (own, base) in layers {
        let turned = |own: &mut Vec<f64>, base: &[f64]| {
            own.iter_mut().zip(base).for_each(|(own, base)| *own = base - 3.0 * (*own - base));
        };
        turned(&mut own.weights, &base.weights);
        turned(&mut own.biases, &base.biases);
    }
    learned
}

/// The same to any rule, other bytes to the check for copies.
fn nudge(network: &Network, n: usize) -> Vec<u8> {
    let mut network = network.clone();
    network.output.biases[0] += 1e-4 * n as f64;
    network.write().unwrap()
}

fn combine(base: &[u8], answers: &[Vec<u8>], rule: Aggregation, screens: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::read(base).unwrap();
    let open = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Numbers::new(path, &Layout::read(bytes).unwrap(), &layout).unwrap()
    };
    let mut inputs: Vec<Answer> = answers
        .iter()
        .enumerate()
        .map(|(n, bytes)| Answer { numbers: open(&n.to_string(), bytes), samples: 60 })
        .collect();
    let limits = Limits { clip_norm: if screens { None } else { Some(1e9) }, screens };
    let plan = Plan { rule, attackers: 3, limits, noise_multiplier: None };
    let mut output = std::io::Cursor::new(base.to_vec());
    aggregate(&plan, &mut open("base", base), &mut inputs, &mut output).unwrap();
    output.into_inner()
}

#[test]
fn three_attackers_of_ten_spoil_the_plain_mean_and_not_the_robust_rules() {
    use Aggregation::{Krum, Median, MultiKrum, TrimmedMean, WeightedMean};
    let world = World::new();
    let rules = [
        ("weighted mean, no screens", WeightedMean, false),
        ("weighted mean", WeightedMean, true),
        ("trimmed mean", TrimmedMean, true),
        ("median", Median, true),
        ("Krum", Krum, true),
        ("multi-Krum", MultiKrum, true),
    ];
    println!("held-out accuracy after three rounds, {} windows:", world.held_out.len());
    for (name, rule, screens) in rules {
        let (clean, attacked) = (world.learn(rule, Attack::None, screens), world.learn(rule, Attack::Collude, screens));
        println!("{name:28} clean {clean:.4}   30 % colluding {attacked:.4}");
        assert!(clean > 0.9, "{name}: {clean}");
        match screens {
            true => assert!(attacked > clean - 0.05, "{name}: {clean} clean, {attacked} attacked"),
            false => assert!(attacked < clean - 0.05, "the attack does not bite: {clean} clean, {attacked} attacked"),
        }
    }
    // Without the screens in front, the rules hold by themselves.
    for rule in [TrimmedMean, Median, Krum, MultiKrum] {
        let attacked = world.learn(rule, Attack::Collude, false);
        println!("{rule:?} by itself: 30 % colluding {attacked:.4}");
        assert!(attacked > 0.85, "{rule:?}: {attacked}");
    }
}

#[test]
fn the_ai_module_says_what_the_network_says_and_what_is_true() {
    let world = World::new();
    let mut network = fresh(world.declared.clone(), 1);
    for own in &world.people {
        train(&mut network, own, &Recipe { epochs: 3, learning_rate: 0.005, ..Recipe::default() });
    }
    let network = Network::read(&network.write().unwrap()).unwrap();
    let made = person(950).generate().unwrap();
    let recording = recording(&made);
    let beats = detect_events(&recording).unwrap().event_times_seconds;
    let cut = windows(&recording, &beats, &world.declared);
    let graph = onnx::encode(&network);
    let theirs = nn::graph::probabilities(&graph, &world.declared, &cut).unwrap();
    let most = cut
        .iter()
        .zip(&theirs)
        .flat_map(|(window, theirs)| network.probabilities(&window.numbers).into_iter().zip(theirs))
        .map(|(ours, theirs)| (ours - theirs).abs())
        .fold(0.0, f64::max);
    println!("largest difference between tract and the trainer's forward pass, {} beats: {most:e}", cut.len());
    assert!(most < 1e-5, "{most}");
    let said = classify(&made, graph);
    let right = said["Beats"].as_array().unwrap().iter().filter(|beat| {
        let at = beat["TimeSeconds"].as_f64().unwrap();
        made.beats.iter().any(|(time, kind)| (time - at).abs() < 0.15 && beat["Class"] == kind.letter())
    });
    let right = right.count() as f64 / said["BeatCount"].as_f64().unwrap();
    println!("kinds of beats named rightly: {:.2} %", 100.0 * right);
    assert!(right > 0.9, "{right}");
    assert_eq!(said["MLModelObjectID"], "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e");
}

fn classify(made: &LabelledRecording, graph: Vec<u8>) -> Value {
    let mut payload = Vec::new();
    let contents = EdfContents {
        start: time::macros::datetime!(2026-01-01 08:00),
        sampling_rate_hz: 200,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &[],
        beat_text: "N",
    };
    edf_writer::write(&contents, &mut payload).unwrap();
    let parameters = Map::from_iter([("Model".to_owned(), json!("urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e"))]);
    let run = |attachments: BTreeMap<String, Vec<u8>>, payload: &[u8]| {
        nn::run(&Input {
            operation: Operation::PhysiologicalStateClassification,
            format: DataFormat::EdfPlus,
            parameters: &parameters,
            payload,
            attachments: &attachments,
        })
    };
    let model = |bytes: &[u8]| BTreeMap::from([("Model".to_owned(), bytes.to_vec())]);
    assert_eq!(run(BTreeMap::new(), &payload).unwrap_err(), "the parameter Model names no model of the Store");
    assert_eq!(run(model(b"\xff\xff\xff"), &payload).unwrap_err(), "the model is not an ONNX file");
    assert!(run(model(&graph[..graph.len() / 2]), &payload).is_err());
    assert!(run(model(&graph), &payload[..payload.len() / 2]).is_err());
    run(model(&graph), &payload).unwrap()
}
