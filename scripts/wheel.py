"""Fetch chosen files of a wheel from the package index that pip is set up to use.

usage: wheel.py FOLDER NAME==VERSION PLATFORM RECORD_SHA256 PATTERN...

A wheel is a zip file, so only the blocks that hold the chosen files are asked for: 150 of PyTorch's 800 MB. They stay in
FOLDER until the caller removes it, so an interrupted download goes on where it stopped. The files come to FOLDER/files.
A wheel's RECORD holds the SHA-256 of each of its files; the caller pins the SHA-256 of the RECORD.
"""

import base64, bisect, csv, fnmatch, glob, hashlib, os, shutil, subprocess, sys, time, zipfile

BLOCK = 4 << 20


class NoParts(Exception):
    """Only the whole wheel can be had."""


def locate(name, version, choice):
    """The wheel's address, and a session that knows the user's index, proxy, certificates and log-in."""
    try:  # inner parts of pip (20.3 to 26.3 have them): no pip command tells the address without a whole download
        from pip._internal.cli.cmdoptions import make_target_python
        from pip._internal.commands import create_command
        from pip._vendor.packaging.specifiers import SpecifierSet

        command = create_command("download")
        options, _ = command.parse_args(["--no-cache-dir", *choice])
        session = command._build_session(options)
        finder = command._build_package_finder(options, session, make_target_python(options))
        best = finder.find_best_candidate(name, SpecifierSet("==" + version)).best_candidate
    except (ImportError, AttributeError, TypeError) as error:
        raise NoParts(f"this pip is not known: {error}") from error
    if best is None:
        raise NoParts(f"no address found for {name} {version}")  # pip itself will say why
    return session, best.link.url_without_fragment


class PartialFile:
    """A file with holes, filled block by block; the numbers of the filled blocks are noted beside it."""

    def __init__(self, session, url, path):
        self.session, self.url, self.path, self.size = session, url, path, 1
        answer = self.get(0)
        if answer.status_code != 206:
            raise NoParts("the server does not send parts of files")
        self.size = int(answer.headers["Content-Range"].split("/")[1])
        self.notes = open(path + ".blocks", "a+")
        self.notes.seek(0)
        self.filled = set(map(int, self.notes.read().split()))

    def get(self, block):
        span = f"bytes={block * BLOCK}-{min((block + 1) * BLOCK, self.size) - 1}"
        answer = self.session.get(self.url, headers={"Range": span, "Accept-Encoding": "identity"}, stream=True)
        answer.raise_for_status()
        return answer

    def patiently_get(self, block):
        for wait in 1, 5, 20, None:
            try:
                data = self.get(block).content
                if len(data) == min(BLOCK, self.size - block * BLOCK):
                    return data
                raise OSError("the connection was cut")
            except OSError as error:  # as are the errors of pip's HTTP library
                if wait is None:
                    raise
                print(f"libtorch: {error}; trying again", flush=True)
                time.sleep(wait)

    def fill(self, start, end):
        """Fill the blocks that hold the bytes from start up to end."""
        with open(self.path, "r+b" if self.filled else "wb") as file:
            file.truncate(self.size)
            for block in range(start // BLOCK, -(-end // BLOCK)):
                if block not in self.filled:
                    file.seek(block * BLOCK)
                    file.write(self.patiently_get(block))
                    file.flush()
                    self.notes.write(f"{block}\n")
                    self.notes.flush()
                    self.filled.add(block)
                    if len(self.filled) % 8 == 0:
                        print(f"libtorch: {len(self.filled) * BLOCK // 10**6} MB are here", flush=True)


def chosen(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def fetch_parts(session, url, path, patterns):
    part = PartialFile(session, url, path)
    part.fill(max(0, part.size - BLOCK), part.size)  # the table of contents is at the end
    with zipfile.ZipFile(path) as wheel:
        ends = sorted([entry.header_offset for entry in wheel.infolist()] + [wheel.start_dir])
        for entry in wheel.infolist():
            if chosen(entry.filename, ["*.dist-info/RECORD", *patterns]):
                part.fill(entry.header_offset, ends[bisect.bisect(ends, entry.header_offset)])


def unpack(path, record_sha256, patterns, folder):
    with zipfile.ZipFile(path) as wheel:
        record = wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/RECORD")))
        if hashlib.sha256(record).hexdigest() != record_sha256:
            raise ValueError("the SHA-256 of its RECORD is another")
        for name, digest, _ in csv.reader(record.decode().splitlines()):
            if chosen(name, patterns):
                target, sha256 = os.path.join(folder, name), hashlib.sha256()
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with wheel.open(name) as source, open(target, "wb") as file:
                    for piece in iter(lambda: source.read(1 << 20), b""):
                        sha256.update(piece)
                        file.write(piece)
                if digest != "sha256=" + base64.urlsafe_b64encode(sha256.digest()).decode().rstrip("="):
                    raise ValueError(f"the SHA-256 of {name} is another")


def fetch(folder, requirement, platform, patterns):
    """Fetch as much of the wheel as is needed, or all of it, and tell where it lies."""
    choice = ["--only-binary=:all:", "--platform", platform]
    choice += ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]
    try:
        path = os.path.join(folder, "wheel")
        fetch_parts(*locate(*requirement.split("=="), choice), path, patterns)
        return path
    except NoParts as reason:
        print(f"libtorch: {reason}; leaving it to pip, which cannot go on where it stopped", flush=True)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", folder]
        subprocess.run([*pip, *choice, requirement], check=True)
        return glob.glob(os.path.join(folder, "*.whl"))[0]


def main(folder, requirement, platform, record_sha256, *patterns):
    os.makedirs(folder, exist_ok=True)
    print(f"libtorch: fetching {requirement}", flush=True)
    try:
        path = fetch(folder, requirement, platform, patterns)
        unpack(path, record_sha256, patterns, os.path.join(folder, "files"))
    except subprocess.CalledProcessError:
        sys.exit(1)  # pip has said why
    except OSError as error:
        sys.exit(f"libtorch: {error}")
    except KeyboardInterrupt:
        sys.exit("libtorch: interrupted")
    except Exception as error:  # a damaged zip file makes zipfile raise almost anything
        shutil.rmtree(folder)
        sys.exit(f"libtorch: deleted {requirement}, it is not what it should be: {error}")


main(*sys.argv[1:])
