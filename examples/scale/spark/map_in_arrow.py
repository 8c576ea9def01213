#!/usr/bin/env python3
"""Labels an archive with Spark by `mapInArrow`: a `pressrun stream` for each partition, and an error where a result is missing.

    spark-submit --conf spark.executor.memoryOverhead=1g map_in_arrow.py ARCHIVE RESULTS --config /shared/pipeline.toml --partitions 400

Takes and gives the same as pipe.py. The results are a DataFrame here: one column, `result`, with the line that pressrun wrote. Add
`pyspark.sql.functions.from_json` to have columns of it, or give `label` more columns to pass on, such as a key of your own.
"""

import argparse
import functools
import subprocess
import sys
import threading

import pyarrow
from pyspark.sql import SparkSession


def label(config, batches):
    """Answers each batch of lines with a batch of results. Runs on the executors, once for each partition."""
    command = ["pressrun", "-q", "stream", "--workers", "1", "-c", config]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pressrun:
        for batch in batches:
            lines = batch.column("line").to_pylist()
            # The pipes hold less than a batch: whoever wrote all lines before reading would wait for ever.
            sender = threading.Thread(target=send, args=[pressrun, lines])
            sender.start()
            results = [pressrun.stdout.readline() for _ in lines]
            sender.join()
            if not all(result.endswith(b"\n") for result in results):
                pressrun.kill()
                raise RuntimeError(f"pressrun ended in the middle of a partition, exit code {pressrun.wait()}")
            yield pyarrow.RecordBatch.from_pydict({"result": [result[:-1].decode() for result in results]})


def send(pressrun, lines):
    try:
        pressrun.stdin.writelines(line.encode() + b"\n" for line in lines)
        pressrun.stdin.flush()
    except BrokenPipeError:
        pass  # The missing results tell.


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive")
    parser.add_argument("results")
    parser.add_argument("--config", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    arguments = parser.parse_args()

    spark = SparkSession.builder.appName("pressrun").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 1000)
    # A pattern gives the files in the order of their names; a folder, as the disk lists them. `spark.read.text` would begin with the largest.
    lines = spark.sparkContext.textFile(f"{arguments.archive}/*", arguments.partitions)
    table = spark.createDataFrame(lines.map(lambda line: (line,)), "line string")
    results = table.mapInArrow(functools.partial(label, arguments.config), "result string")
    results.write.text(arguments.results)

    written = spark.read.text(arguments.results).count()
    expected = lines.count()
    if written != expected:
        sys.exit(f"{arguments.results} has {written} results for {expected} lines: remove it and start again")
    print(f"{written} lines")


if __name__ == "__main__":
    main()
