//! Loads a safetensors file as tensors of the shapes that a network needs. The file may come from anybody, so everything in it
//! is checked before a network gets it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::{ModelError, to_i64};

/// A tensor's name and size.
pub(super) type Shape = (String, Vec<i64>);

/// The tensors that a network needs, in f32.
#[derive(Debug)]
pub(crate) struct Weights {
    path: PathBuf,
    tensors: HashMap<String, Vec<f32>>,
}

/// A fault in a file of weights.
#[derive(Debug, thiserror::Error)]
enum WeightsFault {
    #[error("no safetensors file")]
    Format(#[source] SafeTensorError),
    #[error("`{name}` is missing")]
    Missing { name: String },
    #[error("`{name}` is of the shape {found:?}, expected {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<i64> },
    #[error("`{name}` is of the type {found:?}, expected F16, BF16, F32 or F64")]
    Type { name: String, found: Dtype },
}

impl Weights {
    /// Reads the tensors of `shapes` from the file at `path`, and ignores others.
    ///
    /// # Errors
    /// If the file cannot be read, or a tensor is missing or has another shape or type.
    pub(crate) fn load(path: &Path, shapes: impl Iterator<Item = Shape>) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|cause| ModelError::Unreadable { path: path.to_owned(), cause })?;
        let tensors = tensors(&bytes, shapes)
            .map_err(|fault| ModelError::Invalid { path: path.to_owned(), cause: fault.into() })?;
        Ok(Self { path: path.to_owned(), tensors })
    }

    /// The values of the tensor called `name`.
    pub(crate) fn get(&self, name: &str) -> Result<&[f32], ModelError> {
        self.find(name).ok_or_else(|| ModelError::Invalid {
            path: self.path.clone(),
            cause: WeightsFault::Missing { name: name.to_owned() }.into(),
        })
    }

    /// The values of the tensor called `name`; `None` if it was not asked for.
    pub(super) fn find(&self, name: &str) -> Option<&[f32]> {
        self.tensors.get(name).map(Vec::as_slice)
    }

    /// The file.
    #[cfg(feature = "torch")]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn tensors(bytes: &[u8], shapes: impl Iterator<Item = Shape>) -> Result<HashMap<String, Vec<f32>>, WeightsFault> {
    let file = SafeTensors::deserialize(bytes).map_err(WeightsFault::Format)?;
    shapes.map(|(name, size)| Ok((name.clone(), tensor(&file, name, size)?))).collect()
}

fn tensor(file: &SafeTensors<'_>, name: String, expected: Vec<i64>) -> Result<Vec<f32>, WeightsFault> {
    let Ok(view) = file.tensor(&name) else { return Err(WeightsFault::Missing { name }) };
    if !view.shape().iter().map(|&length| to_i64(length)).eq(expected.iter().copied()) {
        return Err(WeightsFault::Shape { name, found: view.shape().to_vec(), expected });
    }
    let data = view.data();
    Ok(match view.dtype() {
        Dtype::F16 => data.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
        Dtype::F32 => data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32 at most")]
        Dtype::F64 => data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        found => return Err(WeightsFault::Type { name, found }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error for a file with this header and so many bytes of data, if a weight of two rows of four is wanted.
    fn refusal(header: &str, data_bytes: usize) -> String {
        let header = header.as_bytes();
        refusal_of(&[&(header.len() as u64).to_le_bytes(), header, vec![0; data_bytes].as_slice()].concat())
    }

    fn refusal_of(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let shapes = [("mood.weight".to_owned(), vec![2, 4])];
        let message = crate::causes::chain(&Weights::load(&path, shapes.into_iter()).unwrap_err());
        message.replace(&format!("cannot use `{}`: ", path.display()), "")
    }

    fn entry(kind: &str, shape: &str, end: u64) -> String {
        format!("{{\"mood.weight\":{{\"dtype\":\"{kind}\",\"shape\":{shape},\"data_offsets\":[0,{end}]}}}}")
    }

    #[test]
    fn a_file_that_lies_about_its_lengths_is_refused() {
        for bytes in [&b""[..], b"1234567", &[255; 16], &[&5_u64.to_le_bytes()[..], b"{}"].concat()] {
            assert!(refusal_of(bytes).starts_with("no safetensors file"));
        }
        assert!(refusal(&entry("F32", "[2,4]", 32), 31).starts_with("no safetensors file"));
        assert!(refusal(&entry("F32", "[2,4]", 1 << 40), 32).starts_with("no safetensors file"));
        assert!(refusal(&entry("U8", &format!("[{}]", u64::MAX), u64::MAX), 32).starts_with("no safetensors file"));
        assert!(refusal(&entry("F32", &format!("[{},4]", 1_u64 << 62), 32), 32).starts_with("no safetensors file"));
    }

    #[test]
    fn a_tensor_of_another_shape_is_refused() {
        let expected = "expected [2, 4]";
        for shape in ["[]", "[8]", "[4,2]", "[1,2,4]"] {
            let message =
                refusal(&entry("F32", shape, if shape == "[]" { 4 } else { 32 }), if shape == "[]" { 4 } else { 32 });
            assert!(message.starts_with("`mood.weight` is of the shape [") && message.ends_with(expected), "{message}");
        }
        let nothing = refusal(&entry("F32", &format!("[0,{}]", u64::MAX), 0), 0);
        assert!(nothing.ends_with(expected), "{nothing}");
        assert_eq!(refusal("{}", 0), "`mood.weight` is missing");
    }

    #[test]
    fn what_is_no_number_with_a_point_is_no_weight() {
        let message = refusal(&entry("BOOL", "[2,4]", 8), 8);
        assert_eq!(message, "`mood.weight` is of the type BOOL, expected F16, BF16, F32 or F64");
    }
}
