//! Any bytes as a model's weights, under any `config.json`: a model that reads, or an error. The first byte says which file
//! the rest is, and of what kind of network. Where it says so the rest is a configuration, a zero byte and the header of a
//! safetensors file, to which the right length and the data are added: few changes to a whole file leave it valid.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pressrun::config::{Device, Precision};
use pressrun::model::{ModelError, ModelFolder, Runtime, TokenBatch};
use pressrun_fuzz::{folder, put, text_and_rest};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// More data than this is not added to a header.
const MAX_DATA_BYTES: u64 = 1 << 16;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::resolve(Precision::F32, Device::Cpu, Some(1)).expect("there is a processor"));

/// The networks that there is code for.
#[derive(Clone, Copy)]
enum Network {
    PackedBert,
    PaddedBert,
    Mpnet,
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let network = [Network::PackedBert, Network::PaddedBert, Network::Mpnet][usize::from(choice & 3) % 3];
    let (mut config, mut encoder, mut heads) =
        (config(network).to_string(), file(&shapes(network)), file(&head_shapes()));
    match choice >> 2 & 3 {
        0 => encoder = rest.to_vec(),
        1 => heads = rest.to_vec(),
        2 => {
            let (text, header) = text_and_rest(rest);
            encoder = with_data(header).unwrap_or(encoder);
            if !text.is_empty() {
                config = text;
            }
        }
        _ => heads = with_data(rest).unwrap_or(heads),
    }
    match read(network, &config, &encoder, &heads) {
        Ok(()) | Err(ModelError::Invalid { .. }) => {}
        Err(error) => panic!("no other error can be: {error:?}"),
    }
});

/// Opens, loads and reads, as a run does.
fn read(network: Network, config: &str, encoder: &[u8], heads: &[u8]) -> Result<(), ModelError> {
    let files = [
        ("config.json", config.as_bytes()),
        ("tokenizer.json", b""),
        ("encoder.safetensors", encoder),
        ("heads.safetensors", heads),
    ];
    files.iter().for_each(|(name, content)| drop(put(name, content)));
    put("model.toml", manifest(network, &files));
    let mut model = ModelFolder::open(folder())?.load(&RUNTIME, 0, &["mood", "parts"])?;
    let rows: [&[u32]; 3] = [&[1, 5, 2], &[1, 2], &[1, 3, 4, 5, 6, 7, 0, 2]];
    let outputs = model.infer(&TokenBatch::from_rows(rows.into_iter()))?;
    assert_eq!(outputs.len(), rows.len());
    for (output, row) in outputs.iter().zip(rows) {
        assert_eq!((output.sequences[0].len(), output.tokens[0].len()), (2, row.len()));
    }
    Ok(())
}

fn manifest(network: Network, files: &[(&str, &[u8])]) -> String {
    let architecture = if matches!(network, Network::Mpnet) { "mpnet" } else { "bert" };
    let digest = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let files: String = files.iter().map(|(name, content)| format!("\"{name}\" = \"{}\"\n", digest(content))).collect();
    format!(
        "schema = 1\nname = \"m\"\nrevision = \"1\"\narchitecture = \"{architecture}\"\npooling = \"mean\"\nmax_tokens = 8\n\
         [files]\n{files}[heads.mood]\nkind = \"sequence\"\nlabels = [{{ label = \"bad\" }}, {{ label = \"good\" }}]\n\
         [heads.parts]\nkind = \"token\"\nlabels = [{{ label = \"O\" }}, {{ label = \"B-cue\" }}, {{ label = \"I-cue\" }}]\n"
    )
}

fn config(network: Network) -> Value {
    let mut config = json!({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": 4, "intermediate_size": 6, "num_attention_heads": 2,
        "num_hidden_layers": 1, "vocab_size": 8, "max_position_embeddings": 64, "type_vocab_size": 2,
        "initializer_range": 0.02, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1
    });
    match network {
        Network::PackedBert => {}
        Network::PaddedBert => config["hidden_act"] = "relu".into(),
        Network::Mpnet => {
            config["model_type"] = "mpnet".into();
            config["relative_attention_num_buckets"] = 8.into();
            config["layer_norm_eps"] = 1e-5.into();
        }
    }
    config
}

type Shapes = Vec<(String, Vec<usize>)>;

fn head_shapes() -> Shapes {
    [linear("mood", 2, 4), linear("parts", 3, 4)].concat()
}

fn shapes(network: Network) -> Shapes {
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![8, 4]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![64, 4]),
    ];
    shapes.extend(norm("embeddings.LayerNorm"));
    let layer = |name: &str| format!("encoder.layer.0.{name}");
    let (attention, norms) = if let Network::Mpnet = network {
        shapes.push(("encoder.relative_attention_bias.weight".to_owned(), vec![8, 2]));
        (["attn.q", "attn.k", "attn.v", "attn.o"], ["attention.LayerNorm", "output.LayerNorm"])
    } else {
        shapes.push(("embeddings.token_type_embeddings.weight".to_owned(), vec![2, 4]));
        (["self.query", "self.key", "self.value", "output.dense"], ["attention.output.LayerNorm", "output.LayerNorm"])
    };
    shapes.extend(attention.iter().flat_map(|name| linear(&layer(&format!("attention.{name}")), 4, 4)));
    shapes.extend(norms.iter().flat_map(|name| norm(&layer(name))));
    shapes.extend(linear(&layer("intermediate.dense"), 6, 4));
    shapes.extend(linear(&layer("output.dense"), 4, 6));
    shapes
}

fn linear(name: &str, to: usize, from: usize) -> Shapes {
    vec![(format!("{name}.weight"), vec![to, from]), (format!("{name}.bias"), vec![to])]
}

fn norm(name: &str) -> Shapes {
    vec![(format!("{name}.weight"), vec![4]), (format!("{name}.bias"), vec![4])]
}

/// A file of tensors of these shapes, in f16.
fn file(shapes: &Shapes) -> Vec<u8> {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, shape) in shapes {
        let start = end;
        end += 2 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({ "dtype": "F16", "shape": shape, "data_offsets": [start, end] }));
    }
    with_data(Value::Object(header).to_string().as_bytes()).expect("it is a header")
}

/// A header as a whole file, with as much data as it says; none where that is not clear, or too much.
fn with_data(header: &[u8]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(header).ok()?;
    let ends = value.as_object()?.values().filter_map(|tensor| tensor["data_offsets"][1].as_u64());
    let end = ends.filter(|&end| end <= MAX_DATA_BYTES).max().unwrap_or(0);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    // No number of these is large, and few are the same.
    file.extend((0..end).map(|byte| if byte % 2 == 0 { byte as u8 } else { 0x2c }));
    Some(file)
}
