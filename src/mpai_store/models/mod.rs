//! **NN models** of the MPAI Store: files under the name of their digest, each signed by the Back End.
//!
//! ```text
//! file from outside ─ child process: layout ─▶ names, shapes, offsets ─▶ blobs (by SHA-256) ─▶ row in the cellar, signed
//!                     (safetensors crate)                                  │
//!                                              every reading is hashed ◀───┘
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`layout`] | where which tensor lies in a safetensors file; the only reader of such files |
//! | [`declaration`] | what a network says of itself in the file's metadata |
//! | [`network`] | the network of the beat classifier: forward pass, accuracy |
//! | [`examples`] | labelled windows in a file: held-out data |
//! | [`onnx`] | the same network as an ONNX graph |
//! | [`protobuf`] | the wire format that graph is written in |
//! | [`blobs`] | the files |
//! | [`seal`] | what the Back End signs about a model, and a Front End about its answer |
//! | [`shelf`] | files and signing key of a Back End |
//!
//! Models are nobody's health data: they are not sealed. A file is believed only while its bytes hash to its name.

pub mod blobs;
pub mod declaration;
pub mod examples;
pub mod layout;
pub mod network;
pub mod onnx;
pub mod protobuf;
pub mod seal;
pub mod shelf;

/// Largest model, in bytes: sixty million numbers.
pub const MOST_MODEL_BYTES: u64 = 256 << 20;

/// What is wrong with a model. The text goes to whoever sent it and holds none of its numbers.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not a safetensors file.
    #[error("this is not a safetensors file: {0}")]
    Format(String),
    /// Beyond a limit.
    #[error("{what}: at most {most}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// Numbers of another type.
    #[error("the tensor `{0}` does not hold F32 numbers")]
    Type(String),
    /// NaN or infinity.
    #[error("the tensor `{0}` holds a value that is not finite")]
    NotFinite(String),
    /// Not the tensors of the model it is compared with.
    #[error("{0}")]
    Shape(String),
    /// It does not declare a network that this Back End knows.
    #[error("the model's metadata: {0}")]
    Declaration(String),
    /// Labelled windows that are none.
    #[error("the evaluation file: {0}")]
    Examples(String),
    /// The bytes are not those that were kept or announced.
    #[error("the model's bytes do not have the digest {0}")]
    Digest(String),
    /// The signature is not the signer's.
    #[error("the signature of the model is not that of {0}")]
    Signature(String),
    /// A file.
    #[error("a model file cannot be read or written")]
    File(#[from] std::io::Error),
}
