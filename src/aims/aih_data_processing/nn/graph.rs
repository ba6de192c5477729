//! An ONNX model as it comes from the Store: what it declares in its metadata, and what it answers. tract reads and runs
//! it, always in a child process.

use std::io::Cursor;

use serde::{Deserialize, Serialize};
use tract_onnx::{pb::TensorProto, prelude::*};

use super::windows::BeatWindow;
use crate::mpai_store::models::{declaration::Declaration, layout::DECLARATION};

const NOT_AS_DECLARED: &str = "the model's graph is not that of its declaration";

/// What an ONNX model holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Graph {
    /// Numbers in its weights.
    pub parameters: u64,
}

/// Reads a model that came from outside and has it judge one window, as it will judge beats.
///
/// # Errors
/// What is wrong with it, in words.
pub fn examine(onnx: &[u8]) -> Result<Graph, String> {
    if onnx.is_empty() {
        return Err("the model is empty".to_owned());
    }
    let declared = declaration(onnx)?;
    let proto = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(onnx)).map_err(|_| not_onnx())?;
    let weights = proto.graph.map(|graph| graph.initializer).unwrap_or_default();
    let parameters = weights.iter().try_fold(0_u64, |sum, tensor| Some(sum.saturating_add(count(tensor)?)));
    let parameters = parameters.ok_or("a tensor's shape and length disagree")?;
    let window = BeatWindow { at_s: 0.0, numbers: vec![0.0; declared.inputs()] };
    probabilities(onnx, &declared, &[window])?;
    Ok(Graph { parameters })
}

/// Whether a row is what a classifier says: shares of a whole. What is no number is none of them.
fn is_distribution(row: &[f64]) -> bool {
    row.iter().all(|share| (0.0..=1.0).contains(share)) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-3
}

/// How many numbers a tensor says it holds, when it holds them itself.
fn count(tensor: &TensorProto) -> Option<u64> {
    let stated =
        tensor.dims.iter().try_fold(1_u64, |product, length| product.checked_mul(u64::try_from(*length).ok()?))?;
    let held = tensor.raw_data.len() + tensor.float_data.len() + tensor.int64_data.len() + tensor.int32_data.len();
    (tensor.external_data.is_empty() && stated <= held as u64).then_some(stated)
}

fn not_onnx() -> String {
    "the model is not an ONNX file".to_owned()
}

/// What the model says of itself in its metadata.
///
/// # Errors
/// When it is no ONNX file, or declares no network that is known here.
pub fn declaration(onnx: &[u8]) -> Result<Declaration, String> {
    let proto = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(onnx)).map_err(|_| not_onnx())?;
    let text = proto.metadata_props.iter().find(|entry| entry.key == DECLARATION).map(|entry| entry.value.as_str());
    let text = text.ok_or("the model does not declare its input")?;
    Declaration::read(text).map_err(|error| error.to_string())
}

/// Probabilities of the classes, beat by beat.
///
/// # Errors
/// When the graph is not what its declaration says, or a row of its answers is no distribution.
pub fn probabilities(onnx: &[u8], declared: &Declaration, windows: &[BeatWindow]) -> Result<Vec<Vec<f64>>, String> {
    let refuse = |_| NOT_AS_DECLARED.to_owned();
    let (rows, inputs, classes) = (windows.len(), declared.inputs(), declared.classes.len());
    let graph = tract_onnx::onnx().model_for_read(&mut Cursor::new(onnx)).map_err(refuse)?;
    let graph = graph.with_input_fact(0, f32::fact([rows, inputs]).into()).map_err(refuse)?;
    let graph = graph.into_optimized().and_then(|graph| graph.into_runnable()).map_err(refuse)?;
    let numbers: Vec<f32> = windows.iter().flat_map(|w| w.numbers.iter().map(|value| *value as f32)).collect();
    let tensor = Tensor::from_shape(&[rows, inputs], &numbers).map_err(refuse)?;
    let answer = graph.run(tvec!(tensor.into())).map_err(refuse)?;
    let output = answer.first().filter(|output| output.shape() == [rows, classes]).ok_or(NOT_AS_DECLARED)?;
    let plain = output.try_as_plain_ram().map_err(refuse)?;
    let found = plain.as_slice::<f32>().map_err(refuse)?;
    let rows: Vec<Vec<f64>> =
        found.chunks_exact(classes).map(|row| row.iter().map(|value| f64::from(*value)).collect()).collect();
    match rows.iter().all(|row| is_distribution(row)) {
        true => Ok(rows),
        false => Err("the model's answers are no probabilities".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shares_of_a_whole_are_probabilities() {
        assert!(is_distribution(&[0.25, 0.75, 0.0]));
        for row in [[f64::NAN, 0.5, 0.5], [1.5, -0.5, 0.0], [0.5, 0.4, 0.0], [f64::INFINITY, 0.0, 0.0]] {
            assert!(!is_distribution(&row), "{row:?}");
        }
    }
}
