//! A fast heart: Anomaly and Risk Alerting tells a Front End that listens.

use std::time::Duration;

use serde_json::json;

use super::{Stored, upload, wish, words};
use crate::{
    aims::aih_data_processing::ecg::synthetic::SyntheticEcg,
    front_end::{
        demo::{Cast, DemoError},
        listening::Listener,
        recording,
    },
};

/// How long the Front End listens.
const PATIENCE: Duration = Duration::from_secs(60);
/// Beats per minute of the recording.
const RATE: f64 = 170.0;

/// Gives the item.
pub(super) async fn walk(cast: &mut Cast) -> Result<Stored, DemoError> {
    cast.story.step("Anomaly and Risk Alerting: a Front End listens while a fast heart is uploaded");
    let mut listener = Listener::open(&cast.patient, None).await?;
    let mut wish = wish("PhysiologicalSignal");
    wish.back_end_processes = words(&["AnomalyAndRiskAlerting"]);
    wish.back_end_usages = words(&["Health Care"]);
    wish.user_types = words(&["Non-Profit Entity"]);
    wish.processes = words(&["PhysiologicalParameterQuantification"]);
    wish.usages = words(&["Research"]);
    let fast = recording::of(&SyntheticEcg { mean_heart_rate_bpm: RATE, seed: 7, ..SyntheticEcg::default() })?;
    let stored = upload(&cast.patient, &wish, fast.qualifier, fast.bytes).await?;
    let heard = tokio::time::timeout(PATIENCE, async {
        while let Some(news) = listener.next().await? {
            if news.kind == "alert.raised" {
                return Ok(Some(news.data));
            }
        }
        Ok::<_, DemoError>(None)
    });
    let told = heard.await.unwrap_or(Ok(None))?.unwrap_or_default();
    cast.story.fact("recording", format!("a synthetic ECG of {RATE} beats/min"));
    cast.story.fact("heard", format!("alert.raised {} {}", told["RiskType"], told["AnomalyTypes"]));
    let is_ours = told["AIHDataID"] == json!(stored.id);
    cast.story.expect(is_ours && told["RiskType"] == "Red", "the alert reached the Front End that listens");
    Ok(stored)
}
