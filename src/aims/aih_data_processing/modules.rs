//! The AI Modules of this Back End: which processing types each performs on which class and format of data.
//!
//! A processing type no module here performs is answered so; nothing is made up.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ecg::{self, LeadChoice};
use crate::{
    domain::{operation::Operation, taxonomy::DataClass},
    schema::wire::DataFormat,
};

/// What an AI Module declares of itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Module {
    /// Its name in the MPAI Store.
    #[serde(rename = "AIMName")]
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// Class of data it reads.
    pub data_class: DataClass,
    /// Formats it reads.
    pub formats: &'static [DataFormat],
    /// Processing types it performs.
    pub processing_types: &'static [Operation],
    /// Names of the parameters it takes.
    pub parameters: &'static [&'static str],
    #[serde(skip)]
    run: fn(&Task, &[u8]) -> Result<Value, String>,
}

/// What a module is asked for; travels to the child process as one line of JSON.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Task {
    /// Processing type.
    pub operation: Operation,
    /// Class of the data.
    pub data_class: DataClass,
    /// Its format.
    pub format: DataFormat,
    /// Parameters of the request.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

const LEAD: &str = "Lead";

/// The modules.
pub static MODULES: &[Module] = &[Module {
    name: "ECG-Processing",
    description: "Heart beats, heart rate variability and rhythm of one lead of an electrocardiogram",
    data_class: DataClass::PhysiologicalSignal,
    formats: &[DataFormat::Wfdb, DataFormat::Edf, DataFormat::EdfPlus],
    processing_types: &[
        Operation::PhysiologicalEventDetection,
        Operation::PhysiologicalParameterQuantification,
        Operation::PhysiologicalStateClassification,
    ],
    parameters: &[LEAD],
    run: run_ecg,
}];

/// The module that performs this.
pub fn find(task: &Task) -> Option<&'static Module> {
    MODULES.iter().find(|module| {
        module.data_class == task.data_class
            && module.formats.contains(&task.format)
            && module.processing_types.contains(&task.operation)
    })
}

impl Module {
    /// The first parameter this module does not take.
    pub fn stranger<'a>(&self, task: &'a Task) -> Option<&'a str> {
        task.parameters.keys().map(String::as_str).find(|name| !self.parameters.contains(name))
    }

    /// Runs it on a payload.
    ///
    /// # Errors
    /// What is wrong with the payload, in words.
    pub fn run(&self, task: &Task, payload: &[u8]) -> Result<Value, String> {
        (self.run)(task, payload)
    }
}

fn run_ecg(task: &Task, payload: &[u8]) -> Result<Value, String> {
    let lead = match task.parameters.get(LEAD) {
        None => LeadChoice::default(),
        Some(Value::String(name)) => LeadChoice::Named(name.clone()),
        Some(Value::Number(index)) => {
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            LeadChoice::Index(index.ok_or("the parameter Lead is a name or a position counted from 0")?)
        }
        Some(_) => return Err("the parameter Lead is a name or a position counted from 0".to_owned()),
    };
    let recording = ecg::read_recording(std::io::Cursor::new(payload), &lead).map_err(|e| e.to_string())?;
    let events = ecg::detect_events(&recording).map_err(|e| e.to_string())?;
    let result = match task.operation {
        Operation::PhysiologicalEventDetection => serde_json::to_value(&events),
        Operation::PhysiologicalParameterQuantification => {
            serde_json::to_value(ecg::quantify_heart_rate(&events).map_err(|e| e.to_string())?)
        }
        Operation::PhysiologicalStateClassification => {
            serde_json::to_value(ecg::classify_rhythm(&events).map_err(|e| e.to_string())?)
        }
        _ => return Err("this module does not perform that".to_owned()),
    };
    result.map_err(|e| e.to_string())
}
