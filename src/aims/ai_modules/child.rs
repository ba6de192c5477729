//! The child's side of the pipe: sets its own limits, reads a task, attachments and a payload, runs the code, answers.

use std::{
    collections::BTreeMap,
    io::{BufRead, Read, Write},
};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;

use super::{
    input::Input,
    observations::Observations,
    pseudonyms::PseudonymKey,
    table,
    task::{Line, Purpose, Task},
    treatment::{self, Treated, Treatment},
    worker::{MOST_ATTACHED_BYTES, MOST_PAYLOAD_BYTES, MOST_TASK_BYTES},
};
use crate::{aims::federated_learning::module, domain::operation::Operation};

/// What came of a task.
enum Outcome {
    Result(Value),
    Both { result: Result<Value, String>, observed: Result<Value, String> },
    Treated(Treated),
    Refused(String),
}

/// The child: reads a task and a payload from standard input, writes what it has to say to standard output. It may use so
/// many bytes of memory and so many seconds of processor time.
///
/// # Errors
/// When standard input or output fail, or the system does not limit it: then it reads nothing.
pub fn child(memory_bytes: u64, processor_s: u64) -> std::io::Result<()> {
    limit(Resource::As, memory_bytes)?;
    limit(Resource::Cpu, processor_s)?;
    limit(Resource::Core, 0)?;
    let outcome = run(std::io::stdin().lock()).unwrap_or_else(Outcome::Refused);
    answer(std::io::stdout().lock(), &outcome)
}

fn limit(resource: Resource, most: u64) -> std::io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// One line of JSON; behind it, of a treatment, the treated payload.
fn answer(mut out: impl Write, outcome: &Outcome) -> std::io::Result<()> {
    let line = match outcome {
        Outcome::Result(value) => serde_json::to_vec(&serde_json::json!({ "Result": value })),
        Outcome::Both { result, observed } => {
            serde_json::to_vec(&serde_json::json!({ "Both": { "Result": result, "Observed": observed } }))
        }
        Outcome::Refused(why) => serde_json::to_vec(&serde_json::json!({ "Refused": why })),
        Outcome::Treated(treated) => {
            serde_json::to_vec(&serde_json::json!({ "Treated": treatment::Said::from(treated) }))
        }
    };
    out.write_all(&line?)?;
    out.write_all(b"\n")?;
    if let Outcome::Treated(treated) = outcome {
        out.write_all(&treated.payload)?;
    }
    out.flush()
}

fn run(mut input: impl BufRead) -> Result<Outcome, String> {
    let mut line = Vec::new();
    input.by_ref().take(MOST_TASK_BYTES).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
    let Line { task, attachments } = serde_json::from_slice(&line).map_err(|_| "the task cannot be read".to_owned())?;
    let mut attached = BTreeMap::new();
    for (name, length) in attachments {
        attached.insert(name, read_exactly(&mut input, length)?);
    }
    let mut payload = Vec::new();
    input.take(MOST_PAYLOAD_BYTES).read_to_end(&mut payload).map_err(|error| error.to_string())?;
    match &task.purpose {
        Purpose::Process { aim, operation } => process(&task, aim, *operation, &payload, &attached),
        Purpose::Both { aim, operation } => both(&task, aim, *operation, (&payload, &attached)),
        Purpose::Observe => observe(&task, &payload),
        Purpose::Model(asked) => module::run(*asked, &payload, &attached).map(Outcome::Result),
        Purpose::Treat { algorithm, key } => treat(&task, algorithm, key, &payload),
    }
}

fn read_exactly(input: &mut impl BufRead, length: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    input.take(length.min(MOST_ATTACHED_BYTES)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err("an attachment broke off".to_owned()) }
}

fn process(
    task: &Task,
    aim: &str,
    operation: Operation,
    payload: &[u8],
    attachments: &BTreeMap<String, Vec<u8>>,
) -> Result<Outcome, String> {
    let module = table::module(aim).ok_or("no AIM in the Store performs this on this format")?;
    let input = Input { operation, format: task.format, parameters: &task.parameters, payload, attachments };
    (module.run)(&input).map(Outcome::Result)
}

fn observe(task: &Task, payload: &[u8]) -> Result<Outcome, String> {
    let observe = table::observer(task.data_class, task.format).ok_or("no AIM in the Store observes this format")?;
    let input = Input {
        operation: Operation::AnomalyAndRiskAlerting,
        format: task.format,
        parameters: &task.parameters,
        payload,
        attachments: &BTreeMap::new(),
    };
    observe(&input).and_then(as_value).map(Outcome::Result)
}

fn as_value(observations: Observations) -> Result<Value, String> {
    serde_json::to_value(observations).map_err(|error| error.to_string())
}

fn both(
    task: &Task,
    aim: &str,
    operation: Operation,
    (payload, attachments): (&[u8], &BTreeMap<String, Vec<u8>>),
) -> Result<Outcome, String> {
    let both = table::module(aim).and_then(|module| module.both).ok_or("this AIM does not do both at once")?;
    let input = Input { operation, format: task.format, parameters: &task.parameters, payload, attachments };
    let (result, observed) = both(&input);
    Ok(Outcome::Both { result, observed: observed.and_then(as_value) })
}

fn treat(task: &Task, algorithm: &str, key: &PseudonymKey, payload: &[u8]) -> Result<Outcome, String> {
    let treat = table::treatment(task.data_class, task.format, algorithm);
    let treat = treat.ok_or("no treatment is offered for this format")?;
    let pseudonyms = key.pseudonyms();
    let treatment = Treatment { format: task.format, parameters: &task.parameters, payload, pseudonyms: &pseudonyms };
    treat(&treatment).map(Outcome::Treated)
}
