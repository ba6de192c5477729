//! What was changed, counted by rule and never by value.

use crate::aims::ai_modules::treatment::Step;

/// Changes in the order in which their rules first applied.
#[derive(Debug, Default)]
pub(in crate::aims::de_identification) struct Log(Vec<Step>);

impl Log {
    /// Adds a number of changes; nothing for none.
    pub(in crate::aims::de_identification) fn count(&mut self, technique: &'static str, rule: &str, count: u64) {
        if count == 0 {
            return;
        }
        match self.0.iter_mut().find(|step| step.technique == technique && step.rule == rule) {
            Some(step) => step.count += count,
            None => self.0.push(Step { technique, rule: rule.to_owned(), count }),
        }
    }

    /// The steps.
    pub(in crate::aims::de_identification) fn into_steps(self) -> Vec<Step> {
        self.0
    }
}
