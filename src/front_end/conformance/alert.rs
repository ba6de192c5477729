//! ARA Data: what Anomaly and Risk Alerting produces, and AIH Data Processing receives and hands out with its results.
//!
//! The kit brings an alert about as anybody would: it licenses the Back End to look for anomalies, uploads a heart that beats
//! 170 times a minute, and has its rate measured. Whoever looks finds a tachycardia in it (100 a minute, by definition). The
//! ARA Data must then stand in the item and in the result, as the standard's AIH Data has them; each must be a valid message.

use std::time::Duration;

use serde_json::Value;

use super::{
    Kit, KitError,
    conversation::{Place, wish},
};
use crate::{
    aims::aih_data_processing::ecg::synthetic::SyntheticEcg,
    front_end::recording,
    schema::{
        MessageType,
        conformance::{Direction, Examined, Expectation},
    },
};

/// Beats per minute of the recording.
const RATE: f64 = 170.0;
const ALERTING: &str = "AnomalyAndRiskAlerting";
/// How often the item is looked at, and how long between: a Back End may look for anomalies in its own time.
const LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

impl Kit {
    /// Brings an alert about; gives the item, whose licence is to be withdrawn.
    pub(super) async fn alert(&mut self) -> Result<Option<Place>, KitError> {
        let heart = recording::of(&SyntheticEcg { mean_heart_rate_bpm: RATE, seed: 7, ..SyntheticEcg::default() })?;
        let mut wish = wish();
        wish.back_end_processes.push(ALERTING.to_owned());
        let place = match self.upload(&wish, heart).await {
            Ok(place) => place,
            // The operation is an addition to the standard's list: who does not know it does not alert.
            Err(KitError::Client(error)) => {
                self.left_out.push(format!("ARA Data: a licence for {ALERTING} is refused ({error})"));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let operation = "PhysiologicalParameterQuantification";
        let processed = self.client.process(&place.item.to_string(), operation, "Patient Use").await?;
        self.produced(MessageType::AihDataProcess, "POST /v1/aih-data-process", &processed);
        self.handed_out(&processed);
        self.kept(&place).await?;
        Ok(Some(place))
    }

    /// What stands in the result, AIH Data Processing has received.
    fn handed_out(&mut self, processed: &Value) {
        let found = processed.pointer("/AIHDataProcess/Response/AIHData/ARAData").and_then(Value::as_array);
        for found in found.into_iter().flatten() {
            let bytes = found.to_string();
            let what = "ARAData in POST /v1/aih-data-process".to_owned();
            let examined = Examined::new(what, bytes.as_bytes(), Expectation::Accept, Some(MessageType::AraData));
            self.examined.push(Examined { direction: Some(Direction::Receives), ..examined });
        }
    }

    /// What stands in the item, Anomaly and Risk Alerting has produced.
    async fn kept(&mut self, place: &Place) -> Result<(), KitError> {
        let path = format!("/v1/aih-data/{}", place.item);
        for _ in 0..LOOKS {
            let item = self.client.get(&path).await?;
            let found = item["ARAData"].as_array().cloned().unwrap_or_default();
            if !found.is_empty() {
                self.produced(MessageType::AihData, "GET /v1/aih-data/{id}", &item);
                for found in &found {
                    self.produced(MessageType::AraData, "ARAData in GET /v1/aih-data/{id}", found);
                }
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.left_out.push(format!("ARA Data: a heart that beats {RATE} times a minute raised nothing"));
        Ok(())
    }
}
