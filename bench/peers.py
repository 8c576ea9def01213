#!/usr/bin/env python3
"""Useful tokens a second of the encoder, beside other programs' in the same run.

Every program reads the same sentences with the same weights, sorted by length, as two processes of one thread each, pinned
to two cores; they take turns, so that what else goes on on the machine strikes all alike. A number is the median over
rounds of the sum of both processes; a ratio is the median of the rounds' ratios.

    python3 -m venv peers
    peers/bin/pip install torch transformers onnx onnxscript onnxruntime openvino
    peers/bin/python bench/peers.py SENTENCES       # a sentence a line, as `pressrun split --text` writes them

The environment is of its own: `make test` needs none of this.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "newsroom"
PEERS = ["transformers-bf16", "openvino-bf16", "onnxruntime-f32", "onnxruntime-int8", "transformers-f32"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each program in each round")
    parser.add_argument("--only", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--worker", nargs=2, metavar=("PEER", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return work(*arguments.worker, arguments.sentences, arguments.seconds)
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder), arguments.only)
        compare(arguments, folder, build())


def build():
    """The path of our bench, built."""
    command = ["cargo", "bench", "--bench", "encoder", "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = (json.loads(line) for line in lines if line.startswith("{"))
    return next(line["executable"] for line in built if line.get("target", {}).get("name") == "encoder" and line.get("executable"))


def compare(arguments, folder, bench):
    ours = {f"pressrun-{precision}": [bench, str(arguments.sentences), precision, str(arguments.seconds)] for precision in ("bf16", "f32")}
    worker = lambda peer: [sys.executable, __file__, str(arguments.sentences), "--seconds", str(arguments.seconds), "--worker", peer, folder]
    commands = ours | {peer: worker(peer) for peer in arguments.only}
    rates, shares = {name: [] for name in commands}, {name: [] for name in ours}
    for round in range(arguments.rounds):
        for name, command in commands.items():
            found = pair(command)
            rates[name].append(sum(one["tokens_per_second"] for one in found))
            if name in ours:
                shares[name].append(statistics.mean(one["of_products"] for one in found))
            print(f"round {round + 1} {name:20} {rates[name][-1]:9.0f} tokens/s", file=sys.stderr)
    print(f"{'':20} {'tokens/s':>9} {'bf16 is':>9} {'f32 is':>9}")
    for name, found in rates.items():
        ratio = lambda own: statistics.median(a / b for a, b in zip(rates[own], found))
        print(f"{name:20} {statistics.median(found):9.0f} {ratio('pressrun-bf16'):8.2f}x {ratio('pressrun-f32'):8.2f}x")
    for name, found in shares.items():
        print(f"{name}: {statistics.median(found):.0%} of what its matrix products alone would allow")


def pair(command):
    """What two copies of `command` found, side by side, each on a core of its own."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    start = lambda core: subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | threads,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    running = [start(core) for core in sorted(os.sched_getaffinity(0))[:2]]
    found = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        sys.exit(f"{command} failed")
    return [json.loads(text.splitlines()[-1]) for text in found]


def export(folder, peers):
    """The weights that we ship, as the peers want them."""
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(MODEL / name, folder)
    shutil.copy(MODEL / "encoder.safetensors", folder / "model.safetensors")
    if not any(peer.startswith(("onnx", "openvino")) for peer in peers):
        return
    import torch

    class Encoder(torch.nn.Module):
        model = load(folder, torch.float32)

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    names = ["input_ids", "attention_mask"]
    example = torch.ones(2, 8, dtype=torch.long)
    torch.onnx.export(Encoder().eval(), (example, example), folder / "model.onnx", input_names=names,
                      output_names=["last_hidden_state"], dynamo=True,
                      dynamic_shapes={name: {0: "rows", 1: "width"} for name in names})
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(folder / "model.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8)


def load(folder, kind):
    from transformers import AutoModel
    model = AutoModel.from_pretrained(folder, attn_implementation="sdpa", dtype=kind, add_pooling_layer=False)
    return model.eval()


def work(peer, folder, sentences, seconds):
    """One process of a peer: the best of several batch sizes."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    rows = sorted((encoded.ids for encoded in tokenizer.encode_batch(sentences.read_text().splitlines())), key=len)
    read = reader(peer, Path(folder))
    best = max((measure(read, rows, size, seconds / 3) for size in (16, 32, 64)), key=lambda one: one["tokens_per_second"])
    print(json.dumps(best))


def measure(read, rows, size, seconds):
    import numpy
    batches = []
    for start in range(0, len(rows), size):
        part = rows[start:start + size]
        width = len(part[-1])
        ids = numpy.array([row + [0] * (width - len(row)) for row in part], dtype=numpy.int64)
        batches.append((ids, numpy.array([[1] * len(row) + [0] * (width - len(row)) for row in part], dtype=numpy.int64)))
    passes, begin = [], time.perf_counter()
    [read(*batch) for batch in batches]
    while time.perf_counter() - begin < seconds or len(passes) < 2:
        start = time.perf_counter()
        [read(*batch) for batch in batches]
        passes.append(time.perf_counter() - start)
    return {"tokens_per_second": sum(map(len, rows)) / statistics.median(passes), "rows": size}


def reader(peer, folder):
    """A function from ids and mask to hidden states."""
    program, precision = peer.split("-")
    if program == "transformers":
        import torch
        torch.set_num_threads(1)
        model = load(folder, torch.bfloat16 if precision == "bf16" else torch.float32)
        def read(ids, mask):
            with torch.inference_mode():
                return model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
        return read
    if program == "onnxruntime":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        name = "int8.onnx" if precision == "int8" else "model.onnx"
        session = onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(folder / "model.onnx"), "CPU", {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1})
    request = compiled.create_infer_request()
    return lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask}, share_outputs=True)


if __name__ == "__main__":
    main()
