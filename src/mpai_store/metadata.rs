//! AIM metadata (AIF V3.0): of the Health Back End and its six SubAIMs as files below `schemas/AIH1/V1.0/AIMs/`, of each
//! processing AIM made from its declaration.

use serde_json::{Value, json};

use super::processing::{self, Declaration};
use crate::{
    domain::taxonomy::Word,
    schema::{MessageType, wire::DataFormat},
};

macro_rules! embedded {
    ($($file:literal),+) => {
        &[$(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/AIH1/V1.0/AIMs/", $file, ".json"))),+]
    };
}

/// The composite first, then its SubAIMs.
const TEXTS: &[&str] = embedded![
    "HealthBackEnd",
    "HealthFederatedLearning",
    "Auditing",
    "DeIdentificationAndAnonymisation",
    "AIHDataProcessing",
    "AnomalyAndRiskAlerting",
    "Storage"
];

/// The schema all of them satisfy, as JSON text.
pub const SCHEMA_TEXT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/AIF/V3.0/data/AIMMetadata.json"));

/// Whose the AIMs are.
const IMPLEMENTER: &str = "health-back-end";

/// The metadata of every AIM.
pub fn all() -> Vec<Value> {
    // The texts are part of the program and a test reads each.
    let composed = TEXTS.iter().filter_map(|text| serde_json::from_str(text).ok());
    composed.chain(processing::all().iter().map(of)).collect()
}

/// The metadata of the AIM with this name.
pub fn find(name: &str) -> Option<Value> {
    all().into_iter().find(|metadata| metadata["Identifier"]["AIMName"] == name)
}

/// The metadata of a processing AIM: AIH Data in, an AIH Data Process with the result out.
fn of(aim: &Declaration) -> Value {
    json!({
        "Header": aim.aim_name,
        "Identifier": { "ImplementerID": IMPLEMENTER, "ImplementationID": "hbe", "AIMName": aim.aim_name },
        "APIProfile": "Basic",
        "Description": describe(aim),
        "ExternalPorts": [
            port("AIHDataIn", "Input", MessageType::AihData),
            port("AIHDataProcessRequestIn", "Input", MessageType::AihDataProcess),
            port("AIHDataOut", "Output", MessageType::AihData),
        ],
        "SubAIMs": [],
        "Topology": [],
        "Implementations": [{
            "BinaryName": "hbe", "Architecture": "x86-64", "OperatingSystem": "Linux",
            "Version": env!("CARGO_PKG_VERSION"), "Source": "AIMStorage",
        }],
        // The limits of the child process it runs in.
        "ResourcePolicies": [
            { "Name": "Memory", "Minimum": "64 MB", "Maximum": "2 GB", "Request": "256 MB" },
            { "Name": "CPU:Number", "Minimum": "1", "Maximum": "1", "Request": "1" },
        ],
        "DataXMData": { "ResultSchemas": result_schemas(aim) },
    })
}

/// The JSON Schema of each result, by processing type.
fn result_schemas(aim: &Declaration) -> Value {
    let named = aim.performs.iter().filter_map(|performance| {
        Some((performance.processing_type.word().to_owned(), Value::from(performance.result_schema.as_deref()?)))
    });
    Value::Object(named.collect())
}

fn describe(aim: &Declaration) -> String {
    let formats: Vec<_> = aim.formats.iter().copied().map(DataFormat::word).collect();
    let types: Vec<_> = aim.performs.iter().map(|performance| performance.processing_type.word()).collect();
    format!(
        "{}. Reads {} as {}; performs {}.",
        aim.description,
        aim.data_class.word(),
        formats.join(", "),
        types.join(", ")
    )
}

fn port(name: &str, direction: &str, carries: MessageType) -> Value {
    json!({
        "Name": name, "Direction": direction, "DataType": carries.header(), "Technology": "Software", "IsRemote": false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn texts(value: &Value, label: &str) -> BTreeSet<String> {
        value[label].as_array().unwrap().iter().map(Value::to_string).collect()
    }

    #[test]
    fn all_metadata_satisfies_the_schema_and_no_name_stands_twice() {
        let schema: Value = serde_json::from_str(SCHEMA_TEXT).unwrap();
        let validator =
            jsonschema::draft202012::options().should_validate_formats(true).offline().build(&schema).unwrap();
        let all = all();
        assert_eq!(all.len(), TEXTS.len() + processing::all().len());
        for metadata in &all {
            let wrong: Vec<_> = validator.iter_errors(metadata).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", metadata["Header"]);
        }
        let names: BTreeSet<_> = all.iter().map(|metadata| metadata["Identifier"]["AIMName"].to_string()).collect();
        assert_eq!(names.len(), all.len());
        let mut nameless = all[0].clone();
        nameless.as_object_mut().unwrap().remove("Header");
        assert!(!validator.is_valid(&nameless));
    }

    #[test]
    fn the_back_end_has_the_nineteen_ports_and_six_sub_aims_of_the_standard() {
        let back_end = find("AIH-HBE-V1.0").unwrap();
        assert_eq!(texts(&back_end, "ExternalPorts").len(), 19);
        assert_eq!(texts(&back_end, "SubAIMs").len(), 6);
        assert_eq!(texts(&back_end, "Topology").len(), 26);
    }

    /// Name, direction and type of each port of an AIM.
    fn ports(aim: &str) -> BTreeSet<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let metadata = find(aim).unwrap();
        let ports = metadata["ExternalPorts"].as_array().unwrap();
        ports.iter().map(|port| (text(&port["Name"]), text(&port["Direction"]), text(&port["DataType"]))).collect()
    }

    #[test]
    fn every_port_is_wired_once_and_every_wire_joins_ports_of_one_type() {
        let back_end = find("AIH-HBE-V1.0").unwrap();
        let mut wired = Vec::new();
        for wire in back_end["Topology"].as_array().unwrap() {
            let mut types = BTreeSet::new();
            for (end, inside, outside) in [("Output", "Output", "Input"), ("Input", "Input", "Output")] {
                let (aim, name) = (wire[end]["AIMName"].as_str().unwrap(), wire[end]["PortName"].as_str().unwrap());
                // Seen from inside, an input of the composite is a source.
                let (owner, direction) = if aim.is_empty() { ("AIH-HBE-V1.0", outside) } else { (aim, inside) };
                let port = ports(owner).into_iter().find(|port| port.0 == name && port.1 == direction);
                let port = port.unwrap_or_else(|| panic!("{owner} has no {direction} {name}"));
                types.insert(port.2.clone());
                wired.push((owner.to_owned(), port));
            }
            assert_eq!(types.len(), 1, "{wire}");
        }
        let owners = [
            "AIH-HBE-V1.0",
            "AIH-HFL-V1.0",
            "AIH-ADT-V1.0",
            "AIH-DIA-V1.0",
            "AIH-HDP-V1.0",
            "AIH-ARA-V1.0",
            "AIH-STR-V1.0",
        ];
        let there: usize = owners.iter().map(|owner| ports(owner).len()).sum();
        let different: BTreeSet<_> = wired.iter().collect();
        assert_eq!((different.len(), wired.len()), (there, there));
    }
}
