//! What must not be part of the program: compilers, the tests' second client, the tests' EVM. Also a feature of a
//! shared crate that only they turn on, and that would change what JSON means.

use std::process::Command;

/// Crates that belong to building and testing only.
const NOT_SHIPPED: [&str; 4] = ["ethers", "foundry-compilers", "revm", "proptest"];

/// Crates and features of the shipped program, one on a line, as cargo resolves them.
fn shipped(format: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            format,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn tools_of_build_and_test_are_not_shipped() {
    let tree = shipped("{p}");
    assert!(tree.iter().any(|line| line.starts_with("alloy v")), "cargo tree says something else than expected");
    for name in NOT_SHIPPED {
        let is_it = |line: &&String| {
            line.split(' ').next().is_some_and(|found| found == name || found.starts_with(&format!("{name}-")))
        };
        let found: Vec<&String> = tree.iter().filter(is_it).collect();
        assert!(found.is_empty(), "{found:?} would be shipped");
    }
}

/// foundry-compilers turns it on, and then tagged enums no longer read fractions. Where it is a build-dependency only,
/// the program does not see it.
#[test]
fn numbers_in_json_are_numbers() {
    assert_eq!(serde_json::from_str::<serde_json::Value>("1e2").unwrap(), serde_json::json!(100.0));
    let features = shipped("{p} {f}");
    let serde_json: Vec<&String> = features.iter().filter(|line| line.starts_with("serde_json v")).collect();
    assert!(!serde_json.is_empty());
    assert!(serde_json.iter().all(|line| !line.contains("arbitrary_precision")), "{serde_json:?}");
}
