//! The network as an ONNX graph, for runtimes that know nothing of ours. The encoder writes the few messages of the ONNX
//! format (onnx.proto, IR version 8, operator set 13) that two dense layers need, in protobuf's wire format:
//!
//! ```text
//! beats [N, inputs] ─ Gemm ─ Relu ─ Gemm ─ Softmax ─▶ probabilities [N, classes]
//! ```
//!
//! Written by hand because the library that reads ONNX here hands out its message types without the trait that writes them.

use super::{
    network::{HIDDEN_BIAS, HIDDEN_WEIGHT, Layer, Network, OUTPUT_BIAS, OUTPUT_WEIGHT},
    protobuf::Message,
};

/// Name of the graph's input.
pub const INPUT: &str = "beats";
/// Name of the graph's output.
pub const OUTPUT: &str = "probabilities";
const IR_VERSION: u64 = 8;
const OPERATOR_SET: u64 = 13;
const FLOAT: u64 = 1;
const ATTRIBUTE_INT: u64 = 2;

/// The network as the bytes of an ONNX file.
pub fn encode(network: &Network) -> Vec<u8> {
    let declaration = &network.declaration;
    let graph = Message::default()
        .message(1, gemm("hidden", INPUT, (HIDDEN_WEIGHT, HIDDEN_BIAS), "sums"))
        .message(1, node("Relu", "rectified", &["sums"], "units"))
        .message(1, gemm("output", "units", (OUTPUT_WEIGHT, OUTPUT_BIAS), "outputs"))
        .message(1, node("Softmax", "softmax", &["outputs"], OUTPUT).message(5, attribute("axis", 1)))
        .text(2, "beat-classifier")
        .message(5, weights(HIDDEN_WEIGHT, &network.hidden))
        .message(5, biases(HIDDEN_BIAS, &network.hidden))
        .message(5, weights(OUTPUT_WEIGHT, &network.output))
        .message(5, biases(OUTPUT_BIAS, &network.output))
        .message(11, value(INPUT, declaration.inputs()))
        .message(12, value(OUTPUT, declaration.classes.len()));
    Message::default()
        .number(1, IR_VERSION)
        .text(2, "health-back-end")
        .message(7, graph)
        .message(8, Message::default().text(1, "").number(2, OPERATOR_SET))
        .message(14, Message::default().text(1, super::layout::DECLARATION).text(2, &declaration.to_text()))
        .0
}

fn node(operator: &str, name: &str, inputs: &[&str], output: &str) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    node.text(2, output).text(3, name).text(4, operator)
}

/// A dense layer; its weights stand row by row, one row for each neuron, so the matrix is transposed.
fn gemm(name: &str, input: &str, (weight, bias): (&str, &str), output: &str) -> Message {
    node("Gemm", name, &[input, weight, bias], output).message(5, attribute("transB", 1))
}

fn attribute(name: &str, value: u64) -> Message {
    Message::default().text(1, name).number(3, value).number(20, ATTRIBUTE_INT)
}

fn weights(name: &str, layer: &Layer) -> Message {
    tensor(name, &[layer.biases.len(), layer.inputs], &layer.weights)
}

fn biases(name: &str, layer: &Layer) -> Message {
    tensor(name, &[layer.biases.len()], &layer.biases)
}

fn tensor(name: &str, shape: &[usize], values: &[f64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    let tensor = shape.iter().fold(Message::default(), |tensor, length| tensor.number(1, *length as u64));
    tensor.number(2, FLOAT).text(8, name).bytes(9, &raw)
}

/// A matrix of any number of rows.
fn value(name: &str, columns: usize) -> Message {
    let shape = Message::default()
        .message(1, Message::default().text(2, "N"))
        .message(1, Message::default().number(1, columns as u64));
    let matrix = Message::default().number(1, FLOAT).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, matrix))
}

#[cfg(test)]
mod tests {
    use tract_onnx::prelude::*;

    use super::*;
    use crate::mpai_store::models::declaration::Declaration;

    fn network() -> Network {
        let declaration = Declaration::beat_classifier(16);
        let inputs = declaration.inputs();
        let wave = |count: usize, step: f64| (0..count).map(|n| f64::from((n as f32 * step as f32).sin())).collect();
        Network {
            hidden: Layer { inputs, weights: wave(16 * inputs, 0.7), biases: wave(16, 0.3) },
            output: Layer { inputs: 16, weights: wave(48, 1.1), biases: wave(3, 0.9) },
            declaration,
        }
    }

    #[test]
    fn an_independent_runtime_computes_the_same() {
        let (network, beats) = (network(), 5);
        let inputs = network.declaration.inputs();
        let windows: Vec<f32> = (0..beats * inputs).map(|n| (n as f32 * 0.37).cos()).collect();
        let model = tract_onnx::onnx().model_for_read(&mut encode(&network).as_slice()).unwrap();
        let model = model.with_input_fact(0, f32::fact([beats, inputs]).into()).unwrap();
        let model = model.into_optimized().unwrap().into_runnable().unwrap();
        let tensor = Tensor::from_shape(&[beats, inputs], &windows).unwrap();
        let answer = model.run(tvec!(tensor.into())).unwrap();
        let theirs: Vec<f32> = answer[0].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
        assert_eq!(answer[0].shape(), [beats, 3]);
        let mut most: f64 = 0.0;
        for (window, theirs) in windows.chunks(inputs).zip(theirs.chunks(3)) {
            let window: Vec<f64> = window.iter().map(|value| f64::from(*value)).collect();
            for (ours, theirs) in network.probabilities(&window).iter().zip(theirs) {
                most = most.max((ours - f64::from(*theirs)).abs());
            }
        }
        println!("largest difference between tract and ours: {most:e}");
        assert!(most < 1e-5, "{most}");
    }
}
