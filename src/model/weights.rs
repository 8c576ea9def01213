//! A safetensors file to tensors of the shapes that a network needs. Anybody can make such a file, so that all it says is
//! checked before libtorch hears of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use tch::nn::VarStore;
use tch::{Kind, Tensor};

use super::{ModelError, to_i64};

/// A tensor's name and size.
pub(super) type Shape = (String, Vec<i64>);

/// The tensors that a network needs, in f32.
#[derive(Debug)]
pub(crate) struct Weights {
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    /// Reads the tensors of `shapes` from the file at `path`. What else it holds is left alone.
    ///
    /// # Errors
    /// Where the file is none, or one of them is missing or another than expected.
    pub(crate) fn read(path: &Path, shapes: impl Iterator<Item = Shape>) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|cause| ModelError::Unreadable { path: path.to_owned(), cause })?;
        let invalid = |message: String| ModelError::Invalid { path: path.to_owned(), message };
        let file =
            SafeTensors::deserialize(&bytes).map_err(|cause| invalid(format!("no safetensors file: {cause}")))?;
        let tensors = shapes.map(|(name, size)| Ok((name.clone(), tensor(&file, &name, &size)?)));
        let tensors = tensors.collect::<Result<_, String>>().map_err(invalid)?;
        Ok(Self { path: path.to_owned(), tensors })
    }

    /// The tensor called `name`.
    pub(super) fn get(&self, name: &str) -> Result<&Tensor, ModelError> {
        let missing = || ModelError::Invalid { path: self.path.clone(), message: format!("`{name}` is missing") };
        self.tensors.get(name).ok_or_else(missing)
    }

    /// Gives the variables of `store` their values.
    pub(super) fn fill(&self, store: &VarStore) -> Result<(), ModelError> {
        store.variables().into_iter().try_for_each(|(name, variable)| self.copy(self.get(&name)?, variable))
    }

    /// Gives those variables of `store` their values that have one here, and leaves the others.
    pub(crate) fn fill_known(&self, store: &VarStore) -> Result<(), ModelError> {
        let variables = store.variables().into_iter();
        let mut known = variables.filter_map(|(name, variable)| Some((self.tensors.get(&name)?, variable)));
        known.try_for_each(|(tensor, variable)| self.copy(tensor, variable))
    }

    fn copy(&self, from: &Tensor, mut to: Tensor) -> Result<(), ModelError> {
        tch::no_grad(|| to.f_copy_(from)).map_err(|cause| ModelError::Torch { path: self.path.clone(), cause })
    }
}

fn tensor(file: &SafeTensors<'_>, name: &str, size: &[i64]) -> Result<Tensor, String> {
    let view = file.tensor(name).map_err(|_| format!("`{name}` is missing"))?;
    if !view.shape().iter().map(|&length| to_i64(length)).eq(size.iter().copied()) {
        return Err(format!("`{name}` is of the shape {:?}, expected {size:?}", view.shape()));
    }
    let kind = match view.dtype() {
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        other => return Err(format!("`{name}` is of the type {other:?}, expected F16, BF16, F32 or F64")),
    };
    let tensor = Tensor::f_from_data_size(view.data(), size, kind).and_then(|tensor| tensor.f_to_kind(Kind::Float));
    tensor.map_err(|cause| format!("`{name}`: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a file with this header and so many bytes of data where a weight of two rows of four is wanted.
    fn refusal(header: &str, data_bytes: usize) -> String {
        let header = header.as_bytes();
        refusal_of(&[&(header.len() as u64).to_le_bytes(), header, vec![0; data_bytes].as_slice()].concat())
    }

    fn refusal_of(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let shapes = [("mood.weight".to_owned(), vec![2, 4])];
        let message = Weights::read(&path, shapes.into_iter()).unwrap_err().to_string();
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
