#!/usr/bin/env python3
"""Labels an archive with Ray Data: each actor keeps a `pressrun stream` and hands it lines.

    pip install 'ray[data]'
    python label.py ARCHIVE RESULTS --config /shared/pipeline.toml --actors 16

ARCHIVE is a folder of JSON Lines, a document a line. RESULTS is a new folder. Its files, in the order of their names, have one line for each
line of the archive, in the same order. Every node needs pressrun on its PATH, and the three paths. Ray finds the cluster by RAY_ADDRESS;
without it, Ray starts on this machine.
"""

import argparse
import io
import itertools
import subprocess
import sys
import threading

import pyarrow
import ray
from ray.data.datasource import BlockBasedFileDatasink, FileBasedDatasource

# A task is a block of lines, and a lost node loses those it works on: some minutes of work.
BLOCK_BYTES = 8 << 20
# Actors must leave a share of each core to the tasks that read and write, or these wait for ever: 0.75 + 0.25 is one core.
ACTOR_CPUS = 0.75
TASK_CPUS = 0.25
# A block is tried again if pressrun fails at it.
RETRIES = 3
ENDED = "pressrun ended in the middle of a block"


class Lines(FileBasedDatasource):
    """The lines of files. (`ray.data.read_text` also breaks lines at U+2028 and U+0085, which are legal inside JSON strings.)"""

    def _read_stream(self, file, path):
        lines = (line.removesuffix(b"\n") for line in io.BufferedReader(file))
        while block := list(itertools.islice(lines, 1000)):
            yield pyarrow.table({"line": pyarrow.array(block, pyarrow.binary())})


class Results(BlockBasedFileDatasink):
    """A folder of files with a result a line. The number of a file is the number of its block."""

    def write_block_to_file(self, block, file):
        for result in block.to_arrow()["result"]:
            file.write(result.as_py() + b"\n")

    def on_write_complete(self, write_result):
        super().on_write_complete(write_result)
        self.rows = write_result.num_rows


class Labeller:
    """An actor with its own pressrun: a result for each line, or an error, after which Ray tries the block again."""

    def __init__(self, config):
        self.command = ["pressrun", "-q", "stream", "--workers", "1", "-c", config]
        self.process = None

    def __call__(self, batch):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        lines = batch["line"].to_pylist()
        # The pipes hold less than a batch: whoever wrote all lines before reading would wait for ever.
        sender = threading.Thread(target=self.send, args=[lines])
        sender.start()
        results = [self.process.stdout.readline() for _ in lines]
        sender.join()
        if not all(result.endswith(b"\n") for result in results):
            self.process.kill()
            code = self.process.wait()
            self.process = None
            raise RuntimeError(f"{ENDED}, exit code {code}")
        return pyarrow.table({"result": [result.removesuffix(b"\n") for result in results]})

    def send(self, lines):
        try:
            self.process.stdin.writelines(line + b"\n" for line in lines)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # The missing results tell.


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive")
    parser.add_argument("results")
    parser.add_argument("--config", required=True)
    parser.add_argument("--actors", type=int, required=True, help="at most one for each core of the cluster")
    arguments = parser.parse_args()

    ray.init()
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.target_max_block_size = BLOCK_BYTES
    context.retried_map_errors = [ENDED]
    context.max_map_retries = RETRIES

    share = {"num_cpus": TASK_CPUS}
    lines = ray.data.read_datasource(Lines(arguments.archive), ray_remote_args=share)
    results = lines.map_batches(
        Labeller,
        fn_constructor_args=[arguments.config],
        batch_format="pyarrow",
        # Whole blocks. With a number, Ray would put small blocks together until they have so many lines.
        batch_size=None,
        concurrency=arguments.actors,
        num_cpus=ACTOR_CPUS,
    )
    sink = Results(arguments.results, file_format="jsonl")
    results.write_datasink(sink, ray_remote_args=share)

    expected = ray.data.read_datasource(Lines(arguments.archive), ray_remote_args=share).count()
    if sink.rows != expected:
        sys.exit(f"{arguments.results} has {sink.rows} results for {expected} lines")
    print(f"{sink.rows} lines")


if __name__ == "__main__":
    main()
