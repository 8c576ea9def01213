#!/usr/bin/env python3
"""Scores of a text by a BERT model folder, computed with numpy alone: reference_scores.py MODEL TEXT

The independent figures that tests/invariants.rs holds the encoder against. Needs numpy, safetensors and tokenizers.
"""

import json
import math
import sys
import tomllib
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer


def linear(weights, name, states):
    return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def norm(weights, name, states, epsilon):
    mean = states.mean(-1, keepdims=True)
    variance = ((states - mean) ** 2).mean(-1, keepdims=True)
    return (states - mean) / np.sqrt(variance + epsilon) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(values):
    exponentials = np.exp(values - values.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def gelu(values):
    return values * 0.5 * (1 + np.vectorize(math.erf)(values / math.sqrt(2)))


def encode(weights, config, ids):
    """Hidden states of the tokens, of the shape [tokens, hidden size]."""
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    states = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    states = norm(weights, "embeddings.LayerNorm", states, epsilon)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}"
        split = [
            linear(weights, f"{prefix}.attention.self.{part}", states).reshape(len(ids), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        ]
        query, key, value = split
        attention = softmax(query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])) @ value
        attended = attention.transpose(1, 0, 2).reshape(len(ids), -1)
        attended = linear(weights, f"{prefix}.attention.output.dense", attended) + states
        states = norm(weights, f"{prefix}.attention.output.LayerNorm", attended, epsilon)
        up = gelu(linear(weights, f"{prefix}.intermediate.dense", states))
        down = linear(weights, f"{prefix}.output.dense", up) + states
        states = norm(weights, f"{prefix}.output.LayerNorm", down, epsilon)
    return states


def main(folder, text):
    config = json.loads((folder / "config.json").read_text())
    manifest = tomllib.loads((folder / "model.toml").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    ids = tokenizer.encode(text).ids
    encoder = {name: values.astype(np.float64) for name, values in load_file(folder / "encoder.safetensors").items()}
    heads = load_file(folder / "heads.safetensors")
    pooled = encode(encoder, config, ids).mean(0)
    for name, head in manifest["heads"].items():
        if head["kind"] == "sequence":
            scores = softmax(linear(heads, name, pooled) / head.get("temperature", 1.0))
            best = int(scores.argmax())
            print(f"{name}: place {best}, {head['labels'][best]['label']}, {scores[best]:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
