//! The table of rules in `docs/alerting.md` is what the rule files say. `UPDATE_DOCS=1 cargo nextest run documented`
//! writes it anew.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use health_back_end::aims::anomaly_and_risk::rules::{Band, Condition, Provenance, Rule, RuleFile};

const BEGIN: &str = "<!-- rules, from their files -->\n";
const END: &str = "<!-- end of the rules -->\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Vec<RuleFile> {
    let folder = root().join("src/aims/anomaly_and_risk/rules");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(".json") && !path.ends_with("rules.schema.json"));
    paths.sort();
    paths.iter().map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

fn table() -> String {
    let mut text = String::new();
    for file in files() {
        write!(text, "\n### {} {}\n\n{}\n\n", file.rule_set, file.version, file.description).unwrap();
        text.push_str("| Rule | Looks for | In | Type | Colours | Limits | Checked |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        for rule in &file.rules {
            writeln!(
                text,
                "| `{}` | {} | {} | {} | {} | {} | {} |",
                rule.id,
                rule.title,
                cell(&applies(rule)),
                rule.anomaly_type.to_string().trim_end_matches(" Anomaly"),
                cell(&condition(&rule.condition)),
                limits(rule),
                cell(&rule.citation.checked),
            )
            .unwrap();
        }
    }
    text + "\n"
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('<', "&lt;")
}

fn applies(rule: &Rule) -> String {
    let applies = &rule.applies;
    let mut text = applies.names.join(", ");
    if !applies.units.is_empty() {
        write!(text, " in {}", applies.units.join(", ")).unwrap();
    }
    if !applies.contexts.is_empty() {
        write!(text, "; only {}", applies.contexts.join(", ")).unwrap();
    }
    if !applies.except_contexts.is_empty() {
        write!(text, "; not {}", applies.except_contexts.join(", ")).unwrap();
    }
    if text.is_empty() { "codes".to_owned() } else { text }
}

fn condition(condition: &Condition) -> String {
    let bands = |bands: &[Band]| bands.iter().map(band).collect::<Vec<_>>().join("; ");
    match condition {
        Condition::Limits { bands: all, recent_days } => {
            let history = recent_days.map_or_else(String::new, |days| format!("; after {days} days Green"));
            format!("{}{history}", bands(all))
        }
        Condition::Held { bands: all, .. } => all
            .iter()
            .map(|held| {
                let values = if held.values > 1 { format!(", {} values", held.values) } else { String::new() };
                let seconds = if held.seconds > 0.0 { format!(", {} s", held.seconds) } else { String::new() };
                format!("{}{values}{seconds}", band(&held.band))
            })
            .collect::<Vec<_>>()
            .join("; "),
        Condition::RobustZ { bands: all, least_values, least_seconds } => {
            let seconds = if *least_seconds > 0.0 { format!(", for {least_seconds} s") } else { String::new() };
            format!("{} robust deviations of {least_values} values and more{seconds}", bands(all))
        }
        Condition::Hampel { bands: all, half_window } => {
            format!("{} robust deviations within {half_window} values on each side", bands(all))
        }
        Condition::ContextualZ { bands: all, least_values } => {
            format!("{} robust deviations of {least_values} values and more in the same circumstances", bands(all))
        }
        Condition::Shift { block_seconds, slack, decision, least_change, risk, .. } => {
            format!("{risk:?}: by {least_change} and more; CUSUM of {block_seconds} s blocks, k {slack}, h {decision}")
        }
        Condition::Decline(plan) => format!(
            "{:?}: below {} of the median of up to {} values before and {} robust deviations below it, values in a row: {}",
            plan.risk, plan.share, plan.reference_values, plan.deviations, plan.values
        ),
        Condition::Coded { codes, risk, recent_days, .. } => {
            format!("{risk:?}: {}; after {recent_days} days Green", codes.join(", "))
        }
    }
}

fn band(band: &Band) -> String {
    let limits = [("> ", band.above), ("≥ ", band.at_least), ("< ", band.below), ("≤ ", band.at_most)];
    let limits: Vec<String> = limits.iter().filter_map(|(sign, limit)| Some(format!("{sign}{}", (*limit)?))).collect();
    format!("{:?} {}", band.risk, limits.join(" and "))
}

fn limits(rule: &Rule) -> String {
    let whose = match rule.citation.limits {
        Provenance::Source => "source's",
        Provenance::Partly => "partly ours",
        Provenance::Own => "ours",
    };
    format!("[{whose}]({})", rule.citation.link)
}

#[test]
fn the_table_says_what_the_rules_say() {
    let path = root().join("docs/alerting.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the beginning of the table is marked");
    let (_, tail) = rest.split_once(END).expect("the end of the table is marked");
    let now = format!("{head}{BEGIN}{}{END}{tail}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept == now, "docs/alerting.md is not what the rules say: UPDATE_DOCS=1 cargo nextest run documented");
}
