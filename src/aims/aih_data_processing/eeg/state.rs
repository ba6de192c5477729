//! State of the brain, epoch by epoch (processing type `BrainStateClassification`).
//!
//! Each epoch (30 s, as sleep is scored) is cut into windows of 2 s. A window is named by what rises above the
//! background of its epoch ([`super::background`]); an epoch by what most of its windows are:
//!
//! | Window | Rule | From |
//! | --- | --- | --- |
//! | slow | 0.5–2 Hz hold a sine of 75 µV from peak to peak: 703 µV² | AASM: amplitude of slow waves |
//! | alpha | alpha power twice its background, alpha/theta above 1 | ratio: Klimesch 1999; factor 2: ours |
//! | theta | theta power twice its background, alpha/theta below 1 | as above |
//! | unusable | flat, or more than 500 µV from peak to peak | ours |
//! | plain | none of these | |
//!
//! | Epoch | Rule | From |
//! | --- | --- | --- |
//! | `SlowWaveActivity` | 20 % of the windows slow | AASM stage N3 |
//! | `RelaxedWakefulness` | more than 50 % alpha: as with eyes closed | AASM stage W; Barry et al. 2007 |
//! | `Drowsiness` | more than 50 % theta: alpha replaced by 4–7 Hz | AASM stage N1 |
//! | `AlertWakefulness` | more than 50 % plain: alpha blocked, as with eyes open | Barry et al. 2007 |
//! | `Indeterminate` | anything else, most windows unusable, or a spectrum unlike an EEG | ours |
//!
//! AASM: R. B. Berry et al., The AASM Manual for the Scoring of Sleep and Associated Events, version 2.6, 2020. R. J.
//! Barry et al., "EEG differences between eyes-closed and eyes-open resting conditions", Clin. Neurophysiol. 118,
//! 2765–2773, 2007. The limits are those of visual scoring carried over to band powers; sleep stages need eye movements
//! and muscle tone too and are not claimed. One person in ten has little alpha and will look alert with eyes closed.
//! Powers are means over the channels at the back of the head where there are any.

use serde::Serialize;

use super::background::Background;
use super::bands::{ALPHA, BETA, Band, THETA};
use super::error::EegError;
use super::recording::{EegChannel, EegRecording};
use super::spectrum::{Spectrum, Welch};

/// Accepted lengths of an epoch in seconds.
pub const EPOCH_SECONDS: std::ops::RangeInclusive<f64> = 10.0..=60.0;
/// Length of an epoch unless another is asked for.
pub const DEFAULT_EPOCH_SECONDS: f64 = 30.0;
const WINDOW_S: f64 = 2.0;
/// Welch segments of an epoch's background, in seconds.
const SEGMENT_S: f64 = 4.0;
const SLOW: Band = Band { name: "Slow", from_hz: 0.5, to_hz: 2.0 };
/// Power of a sine of 75 µV from peak to peak.
const SLOW_POWER_UV2: f64 = 75.0 * 75.0 / 8.0;
/// Share of slow windows from which an epoch is one of slow waves.
const SLOW_FROM: f64 = 0.2;
/// Share of windows above which they name the epoch.
const MOST: f64 = 0.5;
/// How far a band must rise above its background.
pub(super) const RHYTHM_FROM: f64 = 2.0;
/// Peak-to-peak range of a usable window in microvolts.
const USABLE_UV: std::ops::RangeInclusive<f32> = 0.5..=500.0;
/// Exponents of the background an EEG has.
const EXPONENTS: std::ops::RangeInclusive<f64> = 0.3..=4.0;

const METHOD: &str = "rhythms above the 1/f background in windows of 2 s: slow from 703 uV2 in 0.5-2 Hz; alpha or theta from \
                      twice the background, told apart by alpha/theta above or below 1; an epoch is named by more than 50 \
                      percent of its windows, slow waves from 20 percent";
const SOURCE: &str = "AASM Manual for the Scoring of Sleep 2.6 (2020); doi:10.1016/j.clinph.2007.07.028; \
                      doi:10.1016/S0165-0173(98)00056-3; doi:10.1038/s41593-020-00744-x; factor 2, 500 uV and exponents \
                      0.3-4 are our choice";

/// State of the brain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum BrainState {
    /// Alpha rhythm, as with eyes closed.
    RelaxedWakefulness,
    /// No rhythm above the background, as with eyes open or in mental work.
    AlertWakefulness,
    /// Theta in place of alpha.
    Drowsiness,
    /// High slow waves.
    SlowWaveActivity,
    /// None of these.
    Indeterminate,
}

/// Result of `BrainStateClassification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateClassification {
    /// Always `BrainStateClassification`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where the limits come from.
    pub source: &'static str,
    /// Channels the state rests on.
    pub channels: Vec<String>,
    /// Whether those are over the back of the head, where alpha is.
    pub posterior: bool,
    /// Length of an epoch in seconds.
    pub epoch_seconds: f64,
    /// The state of more than half of all epochs, or indeterminate.
    pub overall_state: BrainState,
    /// The epochs, in order; a rest shorter than an epoch is left out.
    pub epochs: Vec<Epoch>,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Epoch {
    /// Start in seconds since the start of the recording.
    pub start_seconds: f64,
    /// Its state.
    pub state: BrainState,
    /// Why it is indeterminate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Alpha over theta power; absent, as the two below, when most windows are not usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha_theta_ratio: Option<f64>,
    /// Beta over alpha plus theta power (Pope, Bogart, Bartolome, Biol. Psychol. 40, 187–195, 1995).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement_index: Option<f64>,
    /// Exponent of the background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_exponent: Option<f64>,
    /// Share of usable windows that are alpha, theta and slow, in percent.
    pub alpha_percent: f64,
    /// See above.
    pub theta_percent: f64,
    /// See above.
    pub slow_percent: f64,
    /// Share of all windows that are unusable, in percent.
    pub unusable_percent: f64,
}

/// Classifies a recording.
///
/// # Errors
///
/// [`EegError::Parameter`] for an epoch outside [`EPOCH_SECONDS`], [`EegError::TooShort`] when the recording does not
/// fill one.
pub fn classify(recording: &EegRecording, epoch_s: f64) -> Result<StateClassification, EegError> {
    if !EPOCH_SECONDS.contains(&epoch_s) {
        return Err(EegError::Parameter { name: "EpochSeconds", range: "10 to 60" });
    }
    let posterior = recording.channels.iter().any(|c| c.posterior);
    let channels = recording.channels.iter().filter(|c| c.posterior || !posterior).collect::<Vec<_>>();
    let count = (recording.duration_s / epoch_s).floor() as usize;
    if count == 0 {
        return Err(EegError::TooShort { seconds: recording.duration_s, minimum: epoch_s });
    }
    let analysts = channels.iter().map(|c| Analyst::new(c)).collect::<Vec<_>>();
    let epochs = (0..count).map(|n| epoch(&analysts, n as f64 * epoch_s, epoch_s)).collect::<Vec<_>>();
    Ok(StateClassification {
        processing_type: "BrainStateClassification",
        method: METHOD,
        source: SOURCE,
        channels: channels.iter().map(|c| c.label.clone()).collect(),
        posterior,
        epoch_seconds: epoch_s,
        overall_state: overall(&epochs),
        epochs,
    })
}

fn overall(epochs: &[Epoch]) -> BrainState {
    let most = |state: &BrainState| {
        let count = epochs.iter().filter(|e| e.state == *state).count();
        count as f64 > MOST * epochs.len() as f64
    };
    epochs.iter().map(|e| e.state).find(|state| most(state)).unwrap_or(BrainState::Indeterminate)
}

/// A channel and the transforms for its rate.
struct Analyst<'a> {
    channel: &'a EegChannel,
    window: Welch,
    segments: Welch,
}

/// Powers of a window or an epoch in µV², alone or of the background; means over channels are sums here.
#[derive(Debug, Clone, Copy, Default)]
struct Powers {
    slow: f64,
    theta: f64,
    alpha: f64,
    beta: f64,
}

impl Powers {
    fn of(power: impl Fn(Band) -> f64) -> Self {
        Self { slow: power(SLOW), theta: power(THETA), alpha: power(ALPHA), beta: power(BETA) }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            slow: self.slow + other.slow,
            theta: self.theta + other.theta,
            alpha: self.alpha + other.alpha,
            beta: self.beta + other.beta,
        }
    }
}

impl<'a> Analyst<'a> {
    fn new(channel: &'a EegChannel) -> Self {
        let window = Welch::new(channel.rate_hz, WINDOW_S);
        Self { channel, window, segments: Welch::new(channel.rate_hz, SEGMENT_S) }
    }

    fn samples(&self, from_s: f64, seconds: f64) -> &'a [f32] {
        let at = |s: f64| ((s * self.channel.rate_hz).round() as usize).min(self.channel.samples_uv.len());
        &self.channel.samples_uv[at(from_s)..at(from_s + seconds)]
    }

    /// The spectrum of a window, unless the window is unusable.
    fn usable(&self, from_s: f64) -> Option<Spectrum> {
        // By its length and not by its end: the two differ by a sample at rates that are no multiple of half a hertz.
        let from = (from_s * self.channel.rate_hz).round() as usize;
        let samples = self.channel.samples_uv.get(from..from + self.window.length())?;
        let (low, high) = samples.iter().fold((f32::MAX, f32::MIN), |(l, h), s| (l.min(*s), h.max(*s)));
        if USABLE_UV.contains(&(high - low)) { self.window.spectrum(samples) } else { None }
    }
}

/// What a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Slow,
    Alpha,
    Theta,
    Plain,
    Unusable,
}

fn epoch(analysts: &[Analyst<'_>], start_s: f64, epoch_s: f64) -> Epoch {
    let spectra = analysts.iter().map(|a| a.segments.spectrum(a.samples(start_s, epoch_s)));
    let backgrounds = spectra.clone().map(|s| s.as_ref().and_then(Background::of)).collect::<Vec<_>>();
    let windows = (epoch_s / WINDOW_S).floor() as usize;
    let kinds = (0..windows).map(|n| window(analysts, &backgrounds, start_s + n as f64 * WINDOW_S)).collect::<Vec<_>>();
    let whole = spectra.flatten().map(|s| Powers::of(|b| s.power(b))).fold(Powers::default(), Powers::plus);
    let exponents = backgrounds.iter().flatten().map(|b| b.exponent).collect::<Vec<_>>();
    let exponent = exponents.iter().sum::<f64>() / exponents.len() as f64;
    let count = |kind: Kind| kinds.iter().filter(|k| **k == kind).count() as f64;
    let usable = windows as f64 - count(Kind::Unusable);
    let share = |kind: Kind| if usable > 0.0 { count(kind) / usable } else { 0.0 };
    let unusable = 1.0 - usable / windows as f64;
    let (state, reason) = decide(share, unusable, Some(exponent).filter(|e| e.is_finite()));
    let rated = unusable <= MOST;
    let ratio = |part: f64, of: f64| (rated && of > 0.0).then(|| part / of);
    Epoch {
        start_seconds: start_s,
        state,
        reason,
        alpha_theta_ratio: ratio(whole.alpha, whole.theta),
        engagement_index: ratio(whole.beta, whole.alpha + whole.theta),
        background_exponent: Some(exponent).filter(|e| rated && e.is_finite()),
        alpha_percent: 100.0 * share(Kind::Alpha),
        theta_percent: 100.0 * share(Kind::Theta),
        slow_percent: 100.0 * share(Kind::Slow),
        unusable_percent: 100.0 * unusable,
    }
}

fn decide(share: impl Fn(Kind) -> f64, unusable: f64, exponent: Option<f64>) -> (BrainState, Option<&'static str>) {
    if unusable > MOST {
        return (BrainState::Indeterminate, Some("most windows are flat or disturbed"));
    }
    if !exponent.is_some_and(|e| EXPONENTS.contains(&e)) {
        return (BrainState::Indeterminate, Some("the spectrum does not fall as that of an EEG"));
    }
    if share(Kind::Slow) >= SLOW_FROM {
        return (BrainState::SlowWaveActivity, None);
    }
    let named = [
        (Kind::Alpha, BrainState::RelaxedWakefulness),
        (Kind::Theta, BrainState::Drowsiness),
        (Kind::Plain, BrainState::AlertWakefulness),
    ];
    match named.into_iter().find(|(kind, _)| share(*kind) > MOST) {
        Some((_, state)) => (state, None),
        None => (BrainState::Indeterminate, Some("no kind of window makes up more than half")),
    }
}

/// Names a window by the means over the channels in which it is usable.
fn window(analysts: &[Analyst<'_>], backgrounds: &[Option<Background>], from_s: f64) -> Kind {
    let (mut found, mut expected, mut channels) = (Powers::default(), Powers::default(), 0.0);
    for (analyst, background) in analysts.iter().zip(backgrounds) {
        let (Some(background), Some(spectrum)) = (background, analyst.usable(from_s)) else {
            continue;
        };
        found = found.plus(Powers::of(|band| spectrum.power(band)));
        expected = expected.plus(Powers::of(|band| background.power(&spectrum, band)));
        channels += 1.0;
    }
    if channels == 0.0 {
        Kind::Unusable
    } else if found.slow >= SLOW_POWER_UV2 * channels {
        Kind::Slow
    } else if found.alpha >= RHYTHM_FROM * expected.alpha && found.alpha > found.theta {
        Kind::Alpha
    } else if found.theta >= RHYTHM_FROM * expected.theta && found.theta > found.alpha {
        Kind::Theta
    } else {
        Kind::Plain
    }
}
