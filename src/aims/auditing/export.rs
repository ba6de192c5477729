//! An audit as a file, written while it is read: as long as it may be, no more than a page of it is held.
//!
//! | Format | One finding is | The end is known by |
//! | --- | --- | --- |
//! | NDJSON | a line, `{"Decision": …}`, `{"Act": …}`, `{"EarlierChain": …}` or `{"NonConformity": …}` in the words of the Audit Response | a last line `{"CompleteToBlock": …}` |
//! | CSV (RFC 4180) | a row | a last row of the kind `CompleteToBlock` |
//! | FHIR R4 | an `AuditEvent` in a `Bundle` of type `collection` | the closing brackets |
//!
//! A file without its end was cut off by a failure and is not an audit.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};

use super::{Opened, Scope, examine::Entry, message::Words};
use crate::{
    aims::{AimError, Aims, driven::driven},
    domain::taxonomy::Word,
    schema::{
        ResourceType, validate_resource,
        wire::{Act, EarlierDecision, Evidence, NonConformity, Processing, ProcessingStatus},
    },
};

/// How an audit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON document for each line.
    Ndjson,
    /// Comma-separated values, RFC 4180.
    Csv,
    /// A FHIR R4 Bundle of AuditEvents.
    Fhir,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Fhir => "application/fhir+json",
        }
    }
}

/// Columns of the CSV form.
const COLUMNS: [&str; 16] = [
    "Kind",
    "AIHDataID",
    "ProcessingType",
    "ProcessTime",
    "Status",
    "UserID",
    "UserType",
    "Usage",
    "IntendedTime",
    "Reasons",
    "LicenceConfirmID",
    "LicenceID",
    "TransactionHash",
    "BlockNumber",
    "LogIndex",
    "FederatedLearnID",
];

/// What the identifier of an exported Bundle says: the block the audit is complete to, as number and hash.
const COMPLETE_TO_BLOCK: &str = "https://schemas.mpai.community/AIH1/V1.0/complete-to-block";

impl Aims {
    /// Writes an opened audit piece by piece.
    pub fn export_audit(
        &self,
        opened: &Opened,
        format: Format,
    ) -> impl Stream<Item = Result<Bytes, AimError>> + Send + 'static {
        let words = Words { chain_id: self.back_end().chain_id(), back_end: self.back_end().address() };
        let scope = opened.scope().clone();
        let findings = self.findings(scope.clone());
        driven(async_stream::try_stream! {
            futures_util::pin_mut!(findings);
            yield Bytes::from(head(format));
            let mut first = true;
            while let Some(entry) = findings.next().await {
                yield Bytes::from(piece(format, &words, &entry?, first)?);
                first = false;
            }
            yield Bytes::from(end(format, &scope));
        })
    }
}

fn head(format: Format) -> String {
    match format {
        Format::Ndjson => String::new(),
        Format::Csv => line(COLUMNS.map(str::to_owned)),
        Format::Fhir => r#"{"resourceType":"Bundle","type":"collection","entry":["#.to_owned(),
    }
}

fn end(format: Format, scope: &Scope) -> String {
    let complete = &scope.complete;
    match format {
        Format::Ndjson => {
            let last = json!({ "BlockNumber": complete.number, "BlockHash": complete.hash });
            // A number and a hash: what a line may hold.
            format!("{}\n", json!({ "CompleteToBlock": last }))
        }
        Format::Csv => {
            let mut row: [String; COLUMNS.len()] = Default::default();
            row[0] = "CompleteToBlock".to_owned();
            row[12] = complete.hash.to_string();
            row[13] = complete.number.to_string();
            line(row)
        }
        // A Bundle that broke off has no such identifier, whoever closes it.
        Format::Fhir => {
            let reached =
                json!({ "system": COMPLETE_TO_BLOCK, "value": format!("{}:{}", complete.number, complete.hash) });
            format!("],\"identifier\":{reached}}}")
        }
    }
}

fn piece(format: Format, words: &Words, entry: &Entry, first: bool) -> Result<String, AimError> {
    let said = match entry {
        Entry::Decision(decision) => Said::Decision(words.processing(decision)?),
        Entry::Act(act) => Said::Act(words.act(act)?),
        Entry::Earlier(earlier) => Said::Earlier(words.earlier(earlier)?),
        Entry::Fault(fault) => Said::NonConformity(words.non_conformity(fault)?),
    };
    Ok(match format {
        Format::Ndjson => format!("{}\n", checked(said.labelled())?),
        Format::Csv => line(said.columns()),
        Format::Fhir => format!("{}{}", if first { "" } else { "," }, json!({ "resource": said.audit_event(words) })),
    })
}

/// A line as its schema has it. What violates it is not written, and the file has no end.
fn checked(line: Value) -> Result<Value, AimError> {
    validate_resource(ResourceType::AuditLine, &line).map_err(|violations| {
        let places: Vec<_> = violations.iter().map(|v| format!("{} ({})", v.pointer, v.keyword)).collect();
        AimError::Index(format!("a line of an audit violates its schema at {}", places.join(", ")))
    })?;
    Ok(line)
}

/// A finding in the words of the standard.
enum Said {
    Decision(Processing),
    Act(Act),
    Earlier(EarlierDecision),
    NonConformity(NonConformity),
}

fn text<T: serde::Serialize>(value: Option<T>) -> String {
    match value.map(|value| json!(value)) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

impl Said {
    fn labelled(&self) -> Value {
        match self {
            Self::Decision(decision) => json!({ "Decision": decision }),
            Self::Act(act) => json!({ "Act": act }),
            Self::Earlier(earlier) => json!({ "EarlierChain": earlier }),
            Self::NonConformity(fault) => json!({ "NonConformity": fault }),
        }
    }

    fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Decision(decision) => decision.evidence.as_ref(),
            Self::Act(act) => act.evidence.as_ref(),
            Self::Earlier(earlier) => Some(&earlier.evidence),
            Self::NonConformity(fault) => fault.evidence.as_ref(),
        }
    }

    fn columns(&self) -> [String; COLUMNS.len()] {
        let evidence = self.evidence();
        let place = [
            text(evidence.map(|e| e.transaction_hash)),
            text(evidence.map(|e| e.block_number)),
            text(evidence.map(|e| e.log_index)),
        ];
        let [transaction, block, log] = place;
        match self {
            Self::Decision(d) => [
                "Decision".to_owned(),
                text(Some(d.aih_data_id)),
                text(Some(d.processing_type)),
                text(Some(&d.process_time)),
                text(d.status),
                text(d.user_id),
                text(d.user_type),
                text(d.usage),
                text(d.intended_time),
                d.reasons.iter().flatten().map(|term| term.word()).collect::<Vec<_>>().join(" "),
                text(d.licence_confirm_id),
                text(d.licence_id),
                transaction,
                block,
                log,
                text(d.federated_learn_id),
            ],
            Self::Act(a) => [
                "Act".to_owned(),
                text(Some(a.aih_data_id)),
                text(Some(a.kind)),
                text(Some(&a.act_time)),
                text(Some(a.status)),
                text(a.user_id),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                text(a.licence_id),
                transaction,
                block,
                log,
                String::new(),
            ],
            Self::Earlier(e) => [
                "EarlierChain".to_owned(),
                text(Some(e.aih_data_id)),
                text(Some(e.processing_type)),
                text(Some(&e.process_time)),
                text(Some(e.status)),
                text(e.user_id),
                String::new(),
                text(e.usage),
                String::new(),
                e.reasons.iter().flatten().map(|term| term.word()).collect::<Vec<_>>().join(" "),
                text(e.licence_confirm_id),
                text(e.licence_id),
                transaction,
                block,
                log,
                String::new(),
            ],
            Self::NonConformity(f) => [
                text(Some(f.kind)),
                text(Some(f.aih_data_id)),
                text(Some(f.processing_type)),
                text(Some(&f.process_time)),
                text(f.status),
                text(f.user_id),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                text(f.licence_confirm_id),
                text(f.licence_id),
                transaction,
                block,
                log,
                String::new(),
            ],
        }
    }

    /// A FHIR R4 AuditEvent: who asked for what, on which item, and how it ended (0 success, 4 refused, 8 not covered).
    fn audit_event(&self, words: &Words) -> Value {
        let (outcome, description, subtype) = match self {
            Self::Decision(d) if d.status == Some(ProcessingStatus::Denied) => {
                let reasons: Vec<_> = d.reasons.iter().flatten().map(|term| term.in_words()).collect();
                ("4", reasons.join("; "), text(d.status))
            }
            Self::Decision(d) => ("0", text(d.status), text(d.status)),
            Self::Act(a) => ("0", text(Some(a.status)), text(Some(a.status))),
            Self::Earlier(e) => {
                let outcome = if e.status == ProcessingStatus::Denied { "4" } else { "0" };
                let words = format!("recorded on an earlier chain; restored {}", text(Some(&e.restored_time)));
                (outcome, words, text(Some(e.status)))
            }
            Self::NonConformity(f) => {
                ("8", format!("not covered by a recorded yes: {}", text(Some(f.kind))), text(Some(f.kind)))
            }
        };
        let (recorded, user, class, item, operation) = match self {
            Self::Decision(d) => {
                (&d.process_time, d.user_id, d.user_type, d.aih_data_id, d.processing_type.word().to_owned())
            }
            Self::Act(a) => (&a.act_time, a.user_id, None, a.aih_data_id, text(Some(a.kind))),
            Self::Earlier(e) => (&e.process_time, e.user_id, None, e.aih_data_id, e.processing_type.word().to_owned()),
            Self::NonConformity(f) => {
                (&f.process_time, f.user_id, None, f.aih_data_id, f.processing_type.word().to_owned())
            }
        };
        let system = |code: &str| format!("https://schemas.mpai.community/AIH1/V1.0/{code}");
        // FHIR knows no empty values.
        let who = match user {
            Some(user) => json!({ "identifier": { "value": user.to_string() } }),
            None => json!({ "display": "not known" }),
        };
        let mut agent = json!({ "requestor": true, "who": who });
        if let Some(class) = class {
            agent["type"] = json!({ "coding": [{ "system": system("DataUser"), "code": class.word() }] });
        }
        let mut details = vec![json!({ "type": "Operation", "valueString": operation })];
        if let Self::Decision(Processing { federated_learn_id: Some(round), .. }) = self {
            details.push(json!({ "type": "FederatedLearnID", "valueString": round }));
        }
        if let Some(evidence) = self.evidence() {
            details.push(json!({ "type": "Evidence", "valueString": json!(evidence).to_string() }));
        }
        json!({
            "resourceType": "AuditEvent",
            "type": { "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" },
            "subtype": [{ "system": system("ProcessingStatus"), "code": subtype }],
            "action": "E",
            "recorded": recorded,
            "outcome": outcome,
            "outcomeDesc": description,
            "agent": [agent],
            "source": { "observer": { "identifier": {
                "value": crate::domain::ids::BackEndId::new(words.chain_id, words.back_end).to_string()
            } } },
            "entity": [{ "what": { "identifier": { "value": text(Some(item)) } }, "detail": details }],
        })
    }
}

/// One line by RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
fn line<const N: usize>(cells: [String; N]) -> String {
    let mut line = cells.map(|cell| cell_of(&cell)).join(",");
    line.push_str("\r\n");
    line
}

fn cell_of(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_are_never_formulas() {
        assert_eq!(line(["a".to_owned(), "b c".to_owned()]), "a,b c\r\n");
        assert_eq!(cell_of("a,b"), "\"a,b\"");
        assert_eq!(cell_of("say \"no\""), "\"say \"\"no\"\"\"");
        for formula in ["=1+1", "+1", "-1", "@sum", "\t=1", "=a,b"] {
            assert!(cell_of(formula).trim_start_matches('"').starts_with('\''), "{formula}");
        }
    }
}
