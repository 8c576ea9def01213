//! Matrix products whose weights `oneDNN` puts in its own order once, instead of again with each product.
//!
//! tch does not offer these operations of libtorch, but TorchScript does, and a TorchScript archive is a zip file with some code in it.

use std::io::{Cursor, Write};

use tch::{CModule, Device, IValue, Kind, TchError, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// `reorder` takes the usual number of rows; products may have other numbers.
const CODE: &str = r#"class Products(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.Products, input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    none = annotate(List[Optional[number]], [])
    return ops.mkldnn._linear_pointwise(input, weight, bias, "none", none, "")
  def reorder(self: __torch__.Products, weight: Tensor, rows: int) -> Tensor:
    return ops.mkldnn._reorder_linear_weight(weight, rows)
"#;

/// A `Products` whose `training` is false, as Python pickles it.
const OBJECT: &[u8] = b"\x80\x02c__torch__\nProducts\n)\x81}X\x08\x00\x00\x00training\x89sb.";

/// An empty tuple: the code has no constants.
const CONSTANTS: &[u8] = b"\x80\x02).";

/// The version of such archives.
const VERSION: &[u8] = b"3\n";

/// The operations.
#[derive(Debug)]
pub(super) struct Products {
    module: CModule,
}

impl Products {
    /// Loads the operations. Fails if this libtorch is built without them, or oneDNN cannot multiply bf16 on this processor: on
    /// x86-64 that needs AVX-512.
    pub(super) fn load() -> Result<Self, TchError> {
        let archive = archive().map_err(|error| TchError::Io(std::io::Error::other(error)))?;
        let products = Self { module: CModule::load_data(&mut archive.as_slice())? };
        let trial = Tensor::f_zeros([16, 16], (Kind::BFloat16, Device::Cpu))?;
        let bias = Tensor::f_zeros([16], (Kind::BFloat16, Device::Cpu))?;
        let _ = products.linear(&trial, &products.reorder(&trial, 16)?, &bias)?;
        Ok(products)
    }

    /// `weight`, of the shape `[outputs, inputs]`, in the order that is best for about so many rows.
    pub(super) fn reorder(&self, weight: &Tensor, rows: i64) -> Result<Tensor, TchError> {
        self.call("reorder", &[IValue::Tensor(weight.shallow_clone()), IValue::Int(rows)])
    }

    /// `input`, of the shape `[rows, inputs]`, times what [`Self::reorder`] gave, plus a bias, of the shape `[rows, outputs]`.
    pub(super) fn linear(&self, input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor, TchError> {
        self.call("forward", &[input, weight, bias].map(|tensor| IValue::Tensor(tensor.shallow_clone())))
    }

    fn call(&self, method: &str, arguments: &[IValue]) -> Result<Tensor, TchError> {
        match self.module.method_is(method, arguments)? {
            IValue::Tensor(tensor) => Ok(tensor),
            other => Err(TchError::Kind(format!("`{method}` gave {other:?}"))),
        }
    }
}

fn archive() -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let parts = [
        ("data.pkl", OBJECT),
        ("code/__torch__.py", CODE.as_bytes()),
        ("constants.pkl", CONSTANTS),
        ("version", VERSION),
    ];
    for (name, content) in parts {
        archive.start_file(format!("products/{name}"), stored)?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use pressrun_testing::{Need, skip};

    use super::*;
    use crate::model::kernels::multiplies_bf16;

    #[test]
    fn they_are_those_of_plain_weights() {
        let found = Products::load();
        if found.is_err() && !multiplies_bf16() {
            skip(Need::Avx512);
            return;
        }
        let products = found.unwrap();
        for kind in [Kind::Float, Kind::BFloat16] {
            let random = |size: [i64; 2]| Tensor::randn(size, (Kind::Float, Device::Cpu)).to_kind(kind);
            let (weight, bias) = (random([96, 64]), random([1, 96]).view([96]));
            let reordered = products.reorder(&weight, 256).unwrap();
            for rows in [1, 16, 256, 300] {
                let input = random([rows, 64]);
                let found = products.linear(&input, &reordered, &bias).unwrap();
                let difference = (found - input.linear(&weight, Some(&bias))).abs().max().double_value(&[]);
                assert!(difference <= 0.25, "{kind:?}, {rows} rows: {difference}");
            }
        }
    }
}
