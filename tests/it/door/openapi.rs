//! `docs/openapi.json` is what the routes say. `UPDATE_OPENAPI=1` writes it anew.

use std::path::Path;

#[test]
fn the_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let now = serde_json::to_string_pretty(&health_back_end::api::openapi::document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == now, "docs/openapi.json is not current: run UPDATE_OPENAPI=1 cargo nextest run openapi");
}

#[test]
fn a_path_that_is_quick_to_read_and_slow_to_write_is_described_with_both() {
    let document = health_back_end::api::openapi::document();
    let methods = |path: &str| document["paths"][path].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(methods("/v1/aih-data"), ["get", "post"]);
}
