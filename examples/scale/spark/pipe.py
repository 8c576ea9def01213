#!/usr/bin/env python3
"""Labels an archive with Spark through a pipe: each partition goes through a `pressrun stream` of its own.

    spark-submit --conf spark.executor.memoryOverhead=1g pipe.py ARCHIVE RESULTS --config /shared/pipeline.toml --partitions 400

ARCHIVE is a folder of JSON Lines, a document a line. RESULTS is a new folder. Its files, in the order of their names, have one line for each
line of the archive, in the same order. Every node needs pressrun on its PATH, and the configuration. A partition is what a failure loses:
choose as many as make some minutes of work each. Leave some 600 MB of memory beside the executor for each of its cores.
"""

import argparse
import os
import shlex
import sys

from pyspark.sql import SparkSession

# What pressrun needs of the environment. Spark starts it without any.
ENVIRONMENT = ["PATH", "HOME", "LD_LIBRARY_PATH"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive")
    parser.add_argument("results")
    parser.add_argument("--config", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    arguments = parser.parse_args()

    spark = SparkSession.builder.appName("pressrun").getOrCreate().sparkContext
    # A pattern gives the files in the order of their names; a folder, as the disk lists them.
    lines = spark.textFile(f"{arguments.archive}/*", arguments.partitions)
    # Without `checkCode`, the results of a pressrun that failed would be missing, and nobody would know.
    results = lines.pipe(
        f"pressrun -q stream --workers 1 -c {shlex.quote(arguments.config)}",
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        checkCode=True,
    )
    results.saveAsTextFile(arguments.results)

    # A pressrun that is asked to stop (SIGTERM) answers what it has read and ends with 0. The pipe cannot tell, so lines are counted.
    written = spark.textFile(arguments.results).count()
    expected = lines.count()
    if written != expected:
        sys.exit(f"{arguments.results} has {written} results for {expected} lines: remove it and start again")
    print(f"{written} lines")


if __name__ == "__main__":
    main()
