//! Files that kill the child process they are read in, or hold it up: by what they grow to in memory, by the work they
//! ask for, by never coming to an end. The answer is a refusal; the Back End goes on.
//!
//! Every file is a right one of its format, so that it is read and not refused by its header. The children may use less
//! than usual, so that a file of some megabytes is enough; that a small file is still read under the same limits shows
//! that it is the file.

use std::time::{Duration, Instant};

use alloy::primitives::Address;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use health_back_end::{
    aims::{
        ai_modules::{
            task::{Purpose, Task},
            worker::{Limits, Worker, WorkerError},
        },
        aih_data_processing::ecg::{
            edf_writer::{self, EdfContents},
            synthetic::SyntheticEcg,
        },
        federated_learning::module::ModelTask,
    },
    domain::taxonomy::{DataClass, UserClass},
    front_end::{demo_all::picture, recording::Recording},
    mpai_store::{
        models::{declaration::Declaration, layout::DECLARATION, protobuf::Message},
        processing,
    },
    schema::wire::{DataFormat, ModelFormat},
};
use serde_json::{Map, Value};
use time::macros::datetime;

use super::{
    every_class::{images, scene::publish, variants},
    paper::{self, PARAMETERS, process, request},
};
use crate::{
    alerting::heart,
    environment::{INSTITUTE, PATIENT, house::House},
};

/// Little memory: a small file of each format is read in it.
const LITTLE: Limits = Limits { memory_bytes: 256 << 20, processor_s: 60, time: Duration::from_secs(120) };
/// Little processor time.
const SHORT: Limits = Limits { memory_bytes: 2 << 30, processor_s: 1, time: Duration::from_secs(120) };

fn worker(limits: Limits) -> Worker {
    Worker::with_limits(env!("CARGO_BIN_EXE_hbe").into(), limits)
}

async fn run(worker: &Worker, task: &Task, payload: Vec<u8>) -> Result<Value, WorkerError> {
    let length = payload.len() as u64;
    let payload = stream::iter([Ok::<_, std::io::Error>(Bytes::from(payload))]);
    worker.run(Address::ZERO, task, &[], (length, payload)).await
}

/// The first processing type of an AIM.
fn processing_by(aim: &str, format: DataFormat) -> Task {
    let aim = processing::all().iter().find(|declared| declared.aim_name == aim).unwrap();
    let purpose = Purpose::Process { aim: aim.aim_name.clone(), operation: aim.performs[0].processing_type };
    Task { purpose, data_class: aim.data_class, format, parameters: Map::new() }
}

fn of_ecg() -> Task {
    processing_by("AIP-ECG-V1.0", DataFormat::EdfPlus)
}

fn reading_of(asked: ModelTask) -> Task {
    Task {
        purpose: Purpose::Model(asked),
        data_class: DataClass::PhysiologicalSignal,
        format: DataFormat::Json,
        parameters: Map::new(),
    }
}

/// A task, a file that is too much for little memory, and a small one of the same kind that is not.
fn heavy() -> Vec<(&'static str, Task, Vec<u8>, Vec<u8>)> {
    let image = processing_by("AIP-IMG-V1.0", DataFormat::Dicom);
    let omics = processing_by("AIP-VCF-V1.0", DataFormat::Vcf);
    vec![
        ("EDF+", of_ecg(), hours(24), heart(72.0).bytes),
        ("DICOM", image, noise(4_096), images::image()),
        ("VCF", omics, many_variants(5_000_000), variants::of_one().into_bytes()),
        ("safetensors", reading_of(ModelTask::Inspect), zeros(32_000_000), zeros(10)),
        ("ONNX", reading_of(ModelTask::Graph), huge_tensor(), small_graph()),
    ]
}

/// A heart for so many hours, the same minute again and again.
fn hours(count: usize) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 60.0, ..SyntheticEcg::default() }.generate().unwrap();
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &made.samples_mv.repeat(60 * count),
        beat_times_s: &[],
        beat_text: "N",
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    bytes
}

/// A safetensors file of one tensor of zeros.
fn zeros(count: usize) -> Vec<u8> {
    let header = format!(r#"{{"w":{{"dtype":"F32","shape":[{count}],"data_offsets":[0,{}]}}}}"#, 4 * count);
    let header = format!("{header:<width$}", width = header.len().next_multiple_of(8));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(file.len() + 4 * count, 0);
    file
}

/// Pixels of which nearly every one is a structure of its own.
fn noise(side: u16) -> Vec<u8> {
    let count = u32::from(side) * u32::from(side);
    let pixels = (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as u16).collect();
    picture::image_of(side, pixels, 0.5).unwrap()
}

/// The same variant again and again.
fn many_variants(count: usize) -> Vec<u8> {
    [variants::of_one().into_bytes(), b"chr1\t1000\trs1\tA\tG\t50\tPASS\t.\tGT\t0/1\n".repeat(count)].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    node.text(2, output).text(3, output).text(4, operator)
}

fn value(name: &str, columns: usize) -> Message {
    let dimensions = Message::default()
        .message(1, Message::default().text(2, "N"))
        .message(1, Message::default().number(1, columns as u64));
    let tensor = Message::default().number(1, 1).message(2, dimensions);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

/// An ONNX file, declared as a classifier of beats, whose answer is the last of these nodes. A square of a side is among
/// what they may name.
fn onnx(side: i64, nodes: Vec<Message>) -> Vec<u8> {
    let declared = Declaration::beat_classifier(4);
    let shape: Vec<u8> = [side, side].iter().flat_map(|length| length.to_le_bytes()).collect();
    let shape = Message::default().number(1, 2).number(2, 7).text(8, "shape").bytes(9, &shape);
    let graph = nodes.into_iter().fold(Message::default(), |graph, node| graph.message(1, node));
    let graph = graph
        .text(2, "hostile")
        .message(5, shape)
        .message(11, value("beats", declared.inputs()))
        .message(12, value("probabilities", declared.classes.len()));
    Message::default()
        .number(1, 8)
        .message(7, graph)
        .message(8, Message::default().text(1, "").number(2, 13))
        .message(14, Message::default().text(1, DECLARATION).text(2, &declared.to_text()))
        .0
}

/// Two hundred bytes that ask for a tensor of 16 GiB.
fn huge_tensor() -> Vec<u8> {
    onnx(1 << 16, vec![node("ConstantOfShape", &["shape"], "ones"), node("Exp", &["ones"], "probabilities")])
}

/// A few hundred bytes that multiply large matrices for minutes.
fn endless_sums() -> Vec<u8> {
    let mut nodes = vec![node("ConstantOfShape", &["shape"], "m0")];
    for n in 0..400 {
        let (from, to) = (format!("m{n}"), if n == 399 { "probabilities".to_owned() } else { format!("m{}", n + 1) });
        nodes.push(node("MatMul", &[&from, &from], &to));
    }
    onnx(2_048, nodes)
}

fn small_graph() -> Vec<u8> {
    let network = health_back_end::front_end::training::learner::fresh(Declaration::beat_classifier(4), 1);
    health_back_end::mpai_store::models::onnx::encode(&network)
}

fn died(what: &str, outcome: Result<Value, WorkerError>) {
    assert!(matches!(outcome, Err(WorkerError::Died)), "{what}: {outcome:?}");
}

/// Where no memory is left some readers can still say so; others end.
fn exhausted(what: &str, outcome: Result<Value, WorkerError>) {
    match outcome {
        Err(WorkerError::Died) => {}
        Err(WorkerError::Refused(why)) if why == "out of memory" => {}
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
async fn what_takes_more_memory_than_there_is_ends_the_child_and_nothing_else() {
    let worker = worker(LITTLE);
    for (what, task, large, small) in heavy() {
        let (begun, bytes) = (Instant::now(), large.len());
        exhausted(what, run(&worker, &task, large).await);
        println!("{what}: {bytes} bytes, the child ended after {:.1?}", begun.elapsed());
        let good = run(&worker, &task, small).await;
        assert!(good.is_ok(), "{what}: {good:?}");
    }
}

#[tokio::test]
async fn what_takes_more_processor_time_than_there_is_kills_the_child_and_nothing_else() {
    let worker = worker(SHORT);
    let mut cases: Vec<_> = heavy().into_iter().filter(|(what, ..)| !["safetensors", "ONNX"].contains(what)).collect();
    cases.push(("ONNX", reading_of(ModelTask::Graph), endless_sums(), small_graph()));
    for (what, task, large, small) in cases {
        let (begun, bytes) = (Instant::now(), large.len());
        died(what, run(&worker, &task, large).await);
        println!("{what}: {bytes} bytes, the child died after {:.1?}", begun.elapsed());
        let good = run(&worker, &task, small).await;
        assert!(good.is_ok(), "{what}: {good:?}");
    }
}

/// It waits for the rest of a file that never comes, and uses nothing.
#[tokio::test]
async fn a_child_that_hangs_is_ended() {
    let worker = worker(Limits { time: Duration::from_secs(1), ..LITTLE });
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"0       "))]);
    let endless = first.chain(stream::pending());
    let task = of_ecg();
    let outcome =
        tokio::time::timeout(Duration::from_secs(30), worker.run(Address::ZERO, &task, &[], (1 << 20, endless))).await;
    died("a file that never ends", outcome.expect("the child was not ended"));
}

/// Limits that the system would have to raise are not set, and nothing is read without them.
#[tokio::test]
async fn without_its_limits_a_child_reads_nothing() {
    let worker = worker(Limits { memory_bytes: 1 << 20, ..LITTLE });
    let task = of_ecg();
    died("a megabyte", run(&worker, &task, heart(72.0).bytes).await);
}

/// The same at the door: 422, and the next one is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_door_such_a_file_is_refused_and_the_next_is_served() {
    let house = House::with_children(Limits { processor_s: 2, ..LITTLE }).await;
    let operator = house.operator().await;
    for (what, bytes) in [("a huge tensor", huge_tensor()), ("endless sums", endless_sums())] {
        let (id, answer) = publish(&operator, &house, "hostile", ModelFormat::Onnx, &bytes).await;
        assert_eq!(answer.status, 422, "{what}: {}", answer.body);
        answer.problem("unprocessable");
        operator.get(&format!("/v1/store/models/{id}")).await.expect(404);
    }
    publish(&operator, &house, "good", ModelFormat::Onnx, &small_graph()).await.1.expect(201);

    let (patient, back_end) = (house.end_user(PATIENT).await, house.chain.deployment.back_end());
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let asked = async |recording| {
        let parcel = paper::parcel(&patient, &back_end, &recording);
        parcel.send_in_parts(&patient).await.expect(201);
        process(&institute, &request(&institute, parcel.id, PARAMETERS, "Research")).await
    };
    let answer = asked(Recording { bytes: hours(24), ..heart(72.0) }).await;
    let detail = answer.expect(422).problem("unprocessable").body["detail"].as_str().unwrap();
    let said = ["exceeds the limits of memory or time", "out of memory"];
    assert!(said.iter().any(|said| detail.contains(said)), "{detail}");
    asked(heart(72.0)).await.expect(200);
    house.stop().await;
}
