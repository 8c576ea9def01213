"""A Slurm of its own on this machine: munged, slurmctld and two nodes with a core each, all on the loopback interface."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time

CONFIGURATION = """
ClusterName=pressrun
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
# Also the time that a requeued task waits: two minutes by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=500000,batch_sched_delay=1
ReturnToService=2
SlurmdTimeout=10
KillWait=2
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=60
"""


class Slurm:
    """Daemons that run inside a `with`. Commands find them by `environment`."""

    def __init__(self, folder):
        self.folder = folder.resolve()
        self.environment = os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self.environment["PATH"] += ":/usr/sbin"
        self.daemons = {}

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ["state", "spool.n1", "spool.n2"]:
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        host = socket.gethostname().split(".")[0]
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(folder=self.folder, host=host, ports=free_ports(3)))
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / file}" for option, file in files.items()]
        self.start("munged", "--foreground", "--force", "--num-threads=1", *options)
        wait(30, "munged", (self.folder / "munge.socket").exists)
        self.start("slurmctld", "-D", "-c")
        for node in ["n1", "n2"]:
            self.start_node(node)
        wait(60, "the nodes", lambda: self.ask("sinfo", "-h", "-N", "-o", "%t").split() == ["idle", "idle"])
        return self

    def __exit__(self, *_):
        # The controller last: the nodes tell it that they go.
        for name in reversed(self.daemons):
            self.daemons[name].send_signal(signal.SIGTERM)
            try:
                self.daemons[name].wait(15)
            except subprocess.TimeoutExpired:
                self.daemons[name].kill()

    def start_node(self, node):
        self.start("slurmd", "-D", "-N", node, name=node)

    def start(self, program, *options, name=None):
        with (self.folder / f"{name or program}.out").open("a") as log:
            self.daemons[name or program] = subprocess.Popen([program, *options], env=self.environment, stdout=log, stderr=log)

    def ask(self, *command):
        """The answer of a command of Slurm. A controller that is busy, or that has just started, is asked again."""
        for _ in range(10):
            answer = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            if answer.returncode == 0:
                return answer.stdout
            time.sleep(1)
        raise RuntimeError(f"{command}: {answer.stderr}")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait(seconds, what, happened):
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not after {seconds} s")
        time.sleep(0.5)
