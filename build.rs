//! Compiles the contracts through foundry-compilers with the npm `solc` and leaves ABI and bytecode in `OUT_DIR/abi`,
//! where the `sol!` bindings of `src/chain/bindings.rs` read them. Settings equal `foundry.toml`, so that the bytecode
//! is byte for byte what forge tests; a test compares both with the copies checked in under `contracts/abi`.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use foundry_compilers::{
    ProjectBuilder, ProjectPathsConfig,
    artifacts::{EvmVersion, remappings::Remapping},
    solc::{Solc, SolcCompiler, SolcLanguage, SolcSettings},
};

/// The contracts whose artifacts reach the program.
const CONTRACTS: [&str; 2] = ["LicenceRegistry", "Licence"];
const OPTIMIZER_RUNS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for watched in ["contracts/src", "scripts/solc", "package-lock.json", "foundry.toml"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    if !root.join("node_modules/solc").exists() {
        return Err("the Solidity compiler is not installed: run ./scripts/setup once".into());
    }
    compile(&root, &out)
}

fn compile(root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let project = ProjectBuilder::<SolcCompiler>::default()
        .paths(paths(root, out)?)
        .settings(settings())
        .offline()
        .single_solc_jobs()
        .build(SolcCompiler::Specific(Solc::new(root.join("scripts/solc"))?))?;
    let output = project.compile()?;
    if output.has_compiler_errors() {
        return Err(output.to_string().into());
    }
    let abi = out.join("abi");
    fs::create_dir_all(&abi)?;
    for (id, artifact) in output.artifact_ids() {
        if CONTRACTS.contains(&id.name.as_str()) {
            let json = serde_json::json!({
                "abi": artifact.abi,
                "bytecode": { "object": artifact.bytecode.as_ref().map(|b| &b.object) },
                "deployedBytecode": {
                    "object": artifact.deployed_bytecode.as_ref().and_then(|d| d.bytecode.as_ref()).map(|b| &b.object),
                    "immutableReferences": artifact.deployed_bytecode.as_ref().map(|d| &d.immutable_references),
                },
            });
            fs::write(abi.join(format!("{}.json", id.name)), serde_json::to_string_pretty(&json)? + "\n")?;
        }
    }
    Ok(())
}

fn paths(root: &Path, out: &Path) -> Result<ProjectPathsConfig<SolcLanguage>, Box<dyn Error>> {
    let openzeppelin: Remapping = "@openzeppelin/=node_modules/@openzeppelin/".parse()?;
    Ok(ProjectPathsConfig::builder()
        .root(root)
        .sources(root.join("contracts/src"))
        .artifacts(out.join("artifacts"))
        .build_infos(out.join("build-info"))
        .cache(out.join("solidity-cache.json"))
        .no_libs()
        .remappings([openzeppelin])
        .allowed_path(fs::canonicalize(root.join("node_modules"))?)
        .build::<SolcLanguage>()?)
}

fn settings() -> SolcSettings {
    let mut settings = SolcSettings::default();
    settings.settings.evm_version = Some(EvmVersion::Prague);
    settings.settings.optimizer.enabled = Some(true);
    settings.settings.optimizer.runs = Some(OPTIMIZER_RUNS);
    settings.settings.via_ir = Some(true);
    settings
}
