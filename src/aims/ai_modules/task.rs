//! What a child process is asked for. Travels as one line of JSON; attachments and the payload follow it as bytes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{pseudonyms::PseudonymKey, table};
use crate::{
    aims::federated_learning::module::ModelTask,
    domain::{operation::Operation, taxonomy::DataClass},
    schema::wire::DataFormat,
};

/// What a child process is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Task {
    /// What for.
    pub purpose: Purpose,
    /// Class of the data.
    pub data_class: DataClass,
    /// Its format.
    pub format: DataFormat,
    /// Parameters of the request.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// What a child process is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Purpose {
    /// An AIM performs a processing type of its class.
    Process {
        /// The AIM's name in the MPAI Store.
        aim: String,
        /// The processing type.
        operation: Operation,
    },
    /// The same, and what can be judged is measured.
    Both {
        /// The AIM's name in the MPAI Store.
        aim: String,
        /// The processing type.
        operation: Operation,
    },
    /// What can be judged is measured.
    Observe,
    /// A model of the MPAI Store is read.
    Model(ModelTask),
    /// The payload is de-identified or anonymised.
    Treat {
        /// By which algorithm.
        algorithm: String,
        /// Under which pseudonyms.
        key: PseudonymKey,
    },
}

impl Task {
    /// The same task with what is asked for beside it; `None` where the AIM has no way to do both for less than each costs.
    pub fn with_observations(&self) -> Option<Self> {
        let Purpose::Process { aim, operation } = &self.purpose else { return None };
        table::module(aim)?.both?;
        let purpose = Purpose::Both { aim: aim.clone(), operation: *operation };
        Some(Self { purpose, ..self.clone() })
    }
}

/// An asset from the MPAI Store that a module needs.
#[derive(Clone)]
pub struct Attachment {
    /// The parameter that names it.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The line: the task, and how many bytes of which attachment stand between it and the payload.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Line {
    pub task: Task,
    pub attachments: Vec<(String, u64)>,
}
