#!/usr/bin/env python3
"""Compares the recipes in examples/scale on real engines with one pressrun, by SHA-256, also while parts of the engine are killed.

    make test-scale [ARTICLES='folder or files ...'] [ONLY='slurm ray'] [PRESSRUN=program]

All runs on this machine, on the loopback interface: Slurm with two nodes, Ray with two raylets, Spark with two executors. Kubernetes is not
started: its files are checked against the schema, and the containers' commands run with the variables of an Indexed Job.

Each check runs on many short lines without a model, and on fewer with it; kills are with the model, in the middle of the work.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import archive
import kubernetes_validate
import psutil
import yaml
from slurm import Slurm, free_ports, wait

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "examples/scale"
PARTS = 7
# CPU seconds of a pressrun after which it is in the middle of its work: the model is loaded then.
MIDDLE = 1.5
# Bytes of text with the model: some minutes of work for all checks, and long enough for a kill in the middle.
TEXT = 700_000
# No job of the test takes so long, unless it hangs.
LIMIT = 600
# The verdict if a job sees by itself that results are missing.
REFUSED = "refused: results are missing"
# Files that tell when and how often a folder was written.
ITS_OWN = {"run.json", ".lock", "ledger.sqlite", "ledger.sha256"}

CONFIGURATION = """
[input]
paths = ["archive"]
[run]
max_rejected = 1
chunk_documents = 8
commit_milliseconds = 100
[cache]
max_bytes = 0
"""
MODEL = """
[models.newsroom]
path = "{root}/models/newsroom"
[tasks.topic]
model = "newsroom"
head = "topic"
min_score = 0.51
[tasks.sentiment]
model = "newsroom"
head = "sentiment"
[tasks.attribution]
model = "newsroom"
head = "attribution"
min_score = 0.4
"""


class Failure(Exception):
    """A check that did not give what it should."""


class Bench:
    """An archive with a configuration, what one pressrun makes of it, and the engines to compare."""

    def __init__(self, folder, program, model):
        self.folder = folder
        self.model = model
        self.output = folder / "output"
        self.config = folder / "pipeline.toml"
        self.results = folder / "results"
        self.environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        commands = folder / "bin"
        commands.mkdir(parents=True)
        (commands / "pressrun").symlink_to(program)
        self.environment["PATH"] = f"{commands}:{Path(sys.executable).parent}:{self.environment['PATH']}"
        self.config.write_text(CONFIGURATION + (MODEL.format(root=ROOT) if model else ""))
        self.rows = []
        self.groups = []

    def lines(self):
        return b"".join(file.read_bytes() for file in sorted((self.folder / "archive").iterdir()))

    def start(self, *command, **more):
        """A process of the test, with its messages in a log."""
        with (self.folder / "log").open("ab") as log:
            log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            environment = self.environment | more
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.groups.append(process.pid)
        return process

    def stop_all(self):
        """Ends what a failed check has left behind."""
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.groups = []

    def finish(self, process, codes=(0,)):
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f"hangs: {process.args}") from None
        if code not in codes:
            raise Failure(f"exit code {code} instead of {codes}: {' '.join(map(str, process.args))}")
        return code

    def call(self, *command, codes=(0,), **more):
        self.finish(self.start(*command, **more), codes)

    def check(self, engine, killed, expected, function):
        """Runs an engine, and adds a row to the table."""
        for old in [self.output, self.results]:
            shutil.rmtree(old, ignore_errors=True)
        begin = time.monotonic()
        try:
            digest = function(self)
            verdict = digest if digest == REFUSED else "same" if digest == (expected or digest) else "DIFFERENT"
        except (Failure, TimeoutError) as failure:
            digest, verdict = "", f"FAILED: {failure}"
        finally:
            self.stop_all()
        seconds = time.monotonic() - begin
        row = f"{engine:<12} {'model' if self.model else 'no model':<9} {killed or '-':<20} {seconds:>7.1f}  {digest if digest != REFUSED else '':<16.16}  {verdict}"
        print(row, file=sys.stderr, flush=True)
        self.rows.append((row, verdict))
        return digest

    def pressruns(self):
        """The processes of pressrun that work for this bench, and not for others on the machine."""
        found = []
        for process in psutil.process_iter():
            try:
                command = process.cmdline()
                ours = str(self.config) in command or Path(process.cwd()) == self.folder
                if ours and command and command[0] == "pressrun":
                    found.append(process)
            except psutil.Error:
                pass
        return found

    def middle(self, job, belongs):
        """A pressrun in the middle of its work that `belongs`; `job` is what must not end before."""

        def search():
            for process in self.pressruns():
                try:
                    if process.cpu_times().user > MIDDLE and belongs(process):
                        found.append(process)
                except psutil.Error:
                    pass
            if not found and job.poll() is not None:
                raise Failure("the engine had ended before the kill: take more articles")
            return found

        found = []
        wait(LIMIT, "a pressrun in the middle of its work", search)
        return found[0]

    def kill_in_the_middle(self, job):
        self.middle(job, anything).kill()


def anything(_process):
    return True


# One pressrun.


def one_run(bench):
    bench.call("pressrun", "-q", "run")
    return digest_of_folder(bench.output)


def one_stream(bench):
    answer = subprocess.run(
        ["pressrun", "-q", "stream", "-c", bench.config], input=bench.lines(), stdout=subprocess.PIPE, check=True, env=bench.environment
    )
    expected = bench.lines().count(b"\n")
    written = answer.stdout.count(b"\n")
    if written != expected:
        raise Failure(f"{written} results for {expected} lines")
    return hashlib.sha256(answer.stdout).hexdigest()


def digest_of_folder(folder):
    """A digest of the names and bytes of all files that have results."""
    digest = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in ITS_OWN)
    for path in files:
        name = path.relative_to(folder)
        if name.parts[0] != "parts":
            digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def digest_of_results(bench):
    """A digest of the lines in the files of an engine, in the order of their names."""
    files = [path for path in sorted(bench.results.iterdir()) if path.is_file() and path.name[0] not in "._"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


# Parts.


def parts(bench):
    for number in reversed(range(PARTS)):
        bench.call("pressrun", "-q", "run", "--part", f"{number}/{PARTS}")
    bench.call("pressrun", "-q", "merge", *sorted((bench.output / "parts").iterdir()))
    return digest_of_folder(bench.output)


def slurm(bench, kill=None):
    with Slurm(bench.folder / "slurm") as cluster:
        bench.environment["SLURM_CONF"] = cluster.environment["SLURM_CONF"]
        bench.call(RECIPES / "slurm/submit.sh", str(PARTS), "--cpus-per-task=1")
        if kill:
            kill(bench, cluster)
        wait(LIMIT, "the end of the array and its merge", lambda: not cluster.ask("squeue", "-h"))
    if not (bench.output / "run.json").exists():
        raise Failure(f"no merge: see {bench.folder}/*.log")
    return digest_of_folder(bench.output)


def slurm_killing_a_task(bench):
    return slurm(bench, kill_task)


def slurm_killing_a_node(bench):
    return slurm(bench, kill_node)


class Running:
    """A job of Slurm, as far as `middle` needs it."""

    def __init__(self, cluster):
        self.cluster = cluster

    def poll(self):
        return None if self.cluster.ask("squeue", "-h", "--name=part") else 0


def kill_task(bench, cluster):
    bench.kill_in_the_middle(Running(cluster))


def kill_node(bench, cluster):
    """Kills all of a node: its daemon, its tasks and their children. It comes back after Slurm has noticed."""
    process = bench.middle(Running(cluster), lambda process: process.environ().get("SLURMD_NODENAME") == "n2")
    steps = [parent for parent in process.parents() if parent.name() == "slurmstepd"]
    for victim in [cluster.daemons["n2"], *steps, *steps[0].children(recursive=True)]:
        victim.kill()
    cluster.daemons["n2"].wait()
    wait(120, "Slurm to notice", lambda: "down" in cluster.ask("sinfo", "-h", "-n", "n2", "-o", "%t"))
    cluster.start_node("n2")


def kubernetes(bench):
    """The commands of the containers, with the variables that an Indexed Job sets. One of them is killed, and started again."""
    jobs = [yaml.safe_load((RECIPES / "kubernetes" / name).read_text()) for name in ["parts.yaml", "merge.yaml"]]
    for job in jobs:
        kubernetes_validate.validate(job, "1.37", strict=True)
    containers = [job["spec"]["template"]["spec"]["containers"][0] for job in jobs]
    for index in range(jobs[0]["spec"]["completions"]):
        variables = {one["name"]: one["value"] for one in containers[0]["env"]} | {"JOB_COMPLETION_INDEX": str(index)}
        pod = bench.start(*containers[0]["command"], **variables)
        if index == 3 and bench.model:
            bench.kill_in_the_middle(pod)
            bench.finish(pod, [-signal.SIGKILL])
            pod = bench.start(*containers[0]["command"], **variables)
        bench.finish(pod)
    bench.call(*containers[1]["command"])
    return digest_of_folder(bench.output)


# Streams.


def ray(bench, kill=None):
    cluster, second = start_cluster(bench)
    try:
        command = [RECIPES / "ray/label.py", bench.folder / "archive", bench.results, "--config", bench.config, "--actors", "2"]
        job = bench.start(sys.executable, *command, RAY_ADDRESS=cluster.address)
        if kill:
            kill(bench, cluster, second, job)
        bench.finish(job)
    finally:
        cluster.shutdown()
    return digest_of_results(bench)


def start_cluster(bench):
    """A cluster of two nodes with a core each, and the second one of them."""
    # The daemons are children of the test. They report nothing, have their share of a busy machine, and the disk may be nearly full.
    os.environ.update(PATH=bench.environment["PATH"], RAY_worker_niceness="0", RAY_USAGE_STATS_ENABLED="0", RAY_local_fs_capacity_threshold="0.99")
    from ray.cluster_utils import Cluster

    for _ in range(3):
        cluster = Cluster()
        # A busy machine can take longer to start a node than Ray waits.
        with contextlib.suppress(Exception):
            add_node(cluster, include_dashboard=False, include_log_monitor=False, no_monitor=True)
            return cluster, add_node(cluster)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                process.kill()
    raise Failure("Ray did not start in three tries: see /tmp/ray/session_latest/logs")


def add_node(cluster, **more):
    """A node with a core. It waits 15 seconds for agents to tell their ports, unless it knows them: too short on a busy machine."""
    names = ["metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    return cluster.add_node(num_cpus=1, object_store_memory=150 << 20, **ports, **more)


def ray_killing(bench):
    return ray(bench, kill_pressrun_and_raylet)


def kill_pressrun_and_raylet(bench, cluster, node, job):
    """Kills a pressrun, then a node, and adds another node, as whoever keeps a cluster would."""
    bench.kill_in_the_middle(job)
    raylet = node.all_processes["raylet"][0].process.pid
    bench.middle(job, lambda process: raylet in [parent.pid for parent in process.parents()])
    os.kill(raylet, signal.SIGKILL)
    time.sleep(5)
    add_node(cluster)


def spark(bench, recipe, kill=None, codes=(0,)):
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "600m",
        "spark.executor.memory": "700m",
        "spark.ui.enabled": "false",
        # Starts sooner.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    confs = [word for name, value in options.items() for word in ["--conf", f"{name}={value}"]]
    command = [RECIPES / "spark" / recipe, bench.folder / "archive", bench.results, "--config", bench.config, "--partitions", "4"]
    job = bench.start("spark-submit", "--master", "local-cluster[2,1,1024]", *confs, *command)
    if kill:
        kill(bench, job)
    return REFUSED if bench.finish(job, codes) else digest_of_results(bench)


def kill_pressrun_and_executor(bench, job):
    bench.kill_in_the_middle(job)
    executor_of(bench.middle(job, executor_of)).kill()


def stop_pressrun(bench, job):
    bench.middle(job, anything).terminate()


def executor_of(process):
    """The process of Spark's executor above a pressrun."""
    return next((parent for parent in process.parents() if any("CoarseGrainedExecutorBackend" in word for word in parent.cmdline())), None)


def pipe(bench):
    return spark(bench, "pipe.py")


def pipe_killing(bench):
    return spark(bench, "pipe.py", kill_pressrun_and_executor)


def pipe_stopping_pressrun(bench):
    """A pressrun that is asked to stop answers the lines that it has read. If those are not all of its lines, the job has to fail."""
    return spark(bench, "pipe.py", stop_pressrun, codes=[0, 1])


def arrow(bench):
    return spark(bench, "map_in_arrow.py")


def arrow_killing(bench):
    return spark(bench, "map_in_arrow.py", kill_pressrun_and_executor)


CLEAN = {"parts": parts, "slurm": slurm, "kubernetes": kubernetes, "ray": ray, "pipe": pipe, "arrow": arrow}
STREAMS = ["ray", "pipe", "arrow"]
KILLS = [
    ("slurm", "array task", slurm_killing_a_task),
    ("slurm", "node", slurm_killing_a_node),
    ("ray", "pressrun, raylet", ray_killing),
    ("pipe", "pressrun, executor", pipe_killing),
    ("pipe", "SIGTERM to pressrun", pipe_stopping_pressrun),
    ("arrow", "pressrun, executor", arrow_killing),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", nargs="*", type=Path, help="folders and files with articles [default: examples/ and tests/cases]")
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/pressrun")
    parser.add_argument("--only", nargs="*", choices=CLEAN, default=list(CLEAN))
    parser.add_argument("--lines", type=int, default=2000, help="lines without a model, 0 for none")
    parser.add_argument("--labelled", type=int, help="lines with the model, 0 for none [default: as many as have 700 KB of text]")
    parser.add_argument("--no-kills", action="store_true")
    parser.add_argument("--work", type=Path, default=ROOT / "build/scale/work", help="folder for archives, results and logs")
    arguments = parser.parse_args()

    work = arguments.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    texts = archive.texts_of(arguments.program, arguments.articles)
    rows = []
    if arguments.labelled is None:
        arguments.labelled = round(TEXT / (sum(len(text) for _, text in texts) / len(texts)))
    # A file is a task of its own for Spark, and starts a pressrun.
    for model, count, files in [(False, arguments.lines, 11), (True, arguments.labelled, 5)]:
        if count:
            bench = Bench(work / ("model" if model else "split"), arguments.program.resolve(), model)
            archive.write(bench.folder / "archive", texts, count, files)
            run_checks(bench, arguments)
            rows += bench.rows
    print(f"\n{len(texts)} articles; {arguments.lines} lines without and {arguments.labelled} with the model\n")
    print(f"{'engine':<12} {'':<9} {'killed':<20} {'seconds':>7}  {'SHA-256':<16}")
    print(*(row for row, _ in rows), sep="\n")
    if any(verdict not in ("same", REFUSED) for _, verdict in rows):
        sys.exit(f"see {work}")


def run_checks(bench, arguments):
    of_streams = [name in STREAMS for name in arguments.only]
    run = None if all(of_streams) else bench.check("one run", None, None, one_run)
    stream = bench.check("one stream", None, None, one_stream) if any(of_streams) else None
    for name in arguments.only:
        bench.check(name, None, stream if name in STREAMS else run, CLEAN[name])
    if not bench.model or arguments.no_kills:
        return
    for name, killed, function in KILLS:
        if name in arguments.only:
            bench.check(name, killed, stream if name in STREAMS else run, function)


if __name__ == "__main__":
    main()
