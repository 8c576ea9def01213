//! Linear layers and the steps after them, each by the fastest code for a kind of number and a device: our kernels, oneDNN with weights in
//! its own order, or libtorch.

use std::cell::OnceCell;
use std::sync::Arc;

use tch::{Device, Kind, TchError, Tensor};

use super::kernels::{self, NormWeights, PackedLinear, has_amx};
use super::onednn::Products;

/// The number of rows in a product is a multiple of this. For fewer rows, libtorch has other code, which rounds differently, and a
/// row's result would depend on the other rows.
pub(super) const ROWS: usize = 16;

/// The number of rows that weights are reordered for.
const USUAL_ROWS: i64 = 1024;

/// The device and the kind of numbers of layers.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) kind: Kind,
    /// Loaded with the first layer that takes them.
    products: OnceCell<Option<Arc<Products>>>,
}

/// A linear layer.
#[derive(Debug)]
pub(super) struct Linear {
    weight: Weight,
    /// The number of values in a row before it.
    pub(super) inputs: i64,
}

/// Weights have the shape `[outputs, inputs]`, biases one value an output.
#[derive(Debug)]
enum Weight {
    Plain {
        weight: Tensor,
        bias: Tensor,
    },
    /// In oneDNN's order.
    Reordered {
        products: Arc<Products>,
        weight: Tensor,
        bias: Tensor,
    },
    /// In ours.
    Packed(PackedLinear),
}

/// A layer norm.
#[derive(Debug)]
pub(super) struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
    kernel: NormWeights,
}

impl Place {
    pub(super) fn new(device: Device, kind: Kind) -> Self {
        Self { device, kind, products: OnceCell::new() }
    }

    /// True if our kernels can compute there. They are faster than libtorch's.
    pub(super) fn has_kernels(&self) -> bool {
        has_kernels_for(self.kind, self.device)
    }

    /// For weights in oneDNN's order, where that is faster: in f32 libtorch has a faster library.
    fn products(&self) -> Option<&Arc<Products>> {
        let products =
            self.products.get_or_init(|| if self.has_kernels() { Products::load().ok().map(Arc::new) } else { None });
        products.as_ref()
    }

    /// A layer with a weight of the shape `[outputs, inputs]`.
    pub(super) fn linear(&self, weight: &Tensor, bias: &Tensor) -> Result<Linear, TchError> {
        let (_, inputs) = weight.size2()?;
        // With AMX oneDNN is faster.
        if self.has_kernels()
            && !has_amx()
            && let Some(packed) = PackedLinear::new(weight, bias)?
        {
            return Ok(Linear { weight: Weight::Packed(packed), inputs });
        }
        let weight = self.placed(weight)?;
        let bias = self.placed(bias)?;
        let weight = match self.products() {
            Some(products) => {
                let weight = products.reorder(&weight, USUAL_ROWS)?;
                Weight::Reordered { products: Arc::clone(products), weight, bias }
            }
            None => Weight::Plain { weight, bias },
        };
        Ok(Linear { weight, inputs })
    }

    pub(super) fn norm(&self, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Norm, TchError> {
        let kernel = kernels::norm_weights(weight, bias, epsilon)?;
        Ok(Norm { kernel, weight: self.placed(weight)?, bias: self.placed(bias)?, epsilon })
    }

    pub(super) fn placed(&self, tensor: &Tensor) -> Result<Tensor, TchError> {
        tensor.f_to_device(self.device)?.f_to_kind(self.kind)
    }
}

impl Linear {
    /// The product with `rows` of the shape `[rows, inputs]`, plus the bias.
    pub(super) fn forward(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        match &self.weight {
            Weight::Plain { weight, bias } => rows.f_linear(weight, Some(bias)),
            Weight::Reordered { products, weight, bias } => products.linear(rows, weight, bias),
            Weight::Packed(packed) => packed.forward(rows),
        }
    }

    /// GELU of it.
    pub(super) fn gelu(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        if let Weight::Packed(packed) = &self.weight {
            return packed.gelu(rows);
        }
        let mut values = self.forward(rows)?;
        if !has_kernels(&values) {
            return values.f_gelu_("none");
        }
        kernels::gelu(&mut values)?;
        Ok(values)
    }

    /// The norm of the sum of it and `others`, of the shape `[rows, outputs]`.
    pub(super) fn norm_of_sum(&self, rows: &Tensor, others: &Tensor, norm: &Norm) -> Result<Tensor, TchError> {
        match &self.weight {
            Weight::Packed(packed) => packed.norm_of_sum(rows, others, &norm.kernel),
            _ => norm.apply_to_sum(self.forward(rows)?, others),
        }
    }

    /// True if products with few rows are summed in the same order as those with many.
    pub(super) fn takes_few_rows(&self) -> bool {
        matches!(self.weight, Weight::Packed(_))
    }
}

impl Norm {
    /// The norm of the sum of `one` and `other`. Reuses the memory of `one`, which no other tensor shares.
    pub(super) fn apply_to_sum(&self, mut one: Tensor, other: &Tensor) -> Result<Tensor, TchError> {
        if !has_kernels(&one) {
            let size = self.weight.size();
            let sum = one.f_add_(other)?;
            return sum.f_layer_norm(size, Some(&self.weight), Some(&self.bias), self.epsilon, false);
        }
        kernels::norm_of_sum(&mut one, other, &self.kernel)?;
        Ok(one)
    }
}

/// True if our kernels take such a tensor. They are faster than libtorch's.
pub(super) fn has_kernels(tensor: &Tensor) -> bool {
    has_kernels_for(tensor.kind(), tensor.device())
}

fn has_kernels_for(kind: Kind, device: Device) -> bool {
    kind == Kind::BFloat16 && device == Device::Cpu
}
