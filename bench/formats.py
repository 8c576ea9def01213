#!/usr/bin/env python3
"""What reading costs by format: texts written in each format, read by `pressrun read`, by processor time.

    bench/formats.py ARTICLES.jsonl        # lines with `text`, a thousand or so; takes some minutes

Needs `cargo build --release` before; Parquet and Arrow also `pip install pyarrow`, LZ4 the program `lz4`. Texts are written again and again, each time with a number in
every sentence, so that they differ; a number is the median over rounds. The time that the program takes to start is not counted.
"""
import argparse
import bz2
import csv
import gzip
import html
import importlib.util
import io
import json
import lzma
import os
import pathlib
import quopri
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATE = "2031-03-01T08:00:00Z"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "release" / "pressrun")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of the formats to measure")
    parser.add_argument("--megabytes", type=int, default=50)
    arguments = parser.parse_args()
    texts = enough([json.loads(line)["text"] for line in arguments.articles.read_text().splitlines()], arguments.megabytes << 20)
    size = sum(len(text.encode()) for text in texts)
    print(f"{len(texts)} texts, {size / 1e6:.0f} MB")
    print("| format | file, MB | text, MB for each second of a core | documents for each | all found | peak memory, MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "one.txt"
        path.write_text("It rained.")
        start_up = statistics.median(read(arguments.program, path)[0] for _ in range(3))
        print(f"start-up: {start_up:.2f} s of a core", file=sys.stderr)
        for name, write in FORMATS.items():
            if arguments.only and name not in arguments.only:
                continue
            path = pathlib.Path(folder) / name
            write(path, texts)
            row = measure(arguments, path, len(texts), size, start_up)
            print(f"| {name} | {row}", flush=True)
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def enough(texts, size):
    """Texts that differ, with so many bytes in all."""
    found = []
    while size > 0:
        text = re.sub(r"(?<=[.!?])\s+(?=[A-Z])", f" Item {len(found)}. ", texts[len(found) % len(texts)]).strip()
        found.append(text)
        size -= len(text.encode())
    return found


def read(program, path):
    """Seconds of a core, documents, and the peak of memory in MB."""
    process = subprocess.Popen([program, "read", "-q", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found, peak = 0, 0
    for line in process.stdout:
        found += line.startswith(b'{"id":')
        # What `wait4` says of a peak counts what this script had when it forked.
        if found % 500 == 1:
            peak = peak_memory(process.pid) or peak
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{path.name}: {process.stderr.read().decode()}")
    return usage.ru_utime + usage.ru_stime, found, peak


def measure(arguments, path, documents, size, start_up):
    rounds = [read(arguments.program, path) for _ in range(arguments.rounds)]
    found = rounds[-1][1]
    on_disk = sum(file.stat().st_size for file in path.rglob("*")) if path.is_dir() else path.stat().st_size
    middle = max(statistics.median(seconds for seconds, *_ in rounds) - start_up, 0.01)
    is_whole = "yes" if found == documents else f"{found} of {documents}"
    return f"{on_disk / 1e6:.0f} | {size / 1e6 / middle:.0f} | {documents / middle:,.0f} | {is_whole} | {statistics.median(peak for *_, peak in rounds):.0f} |"


def peak_memory(process):
    """In MB, so far; none where the process has ended."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else None


def paragraphs(text):
    return [paragraph for paragraph in text.split("\n") if paragraph.strip()]


def records(texts):
    return ({"id": str(place), "title": f"Item {place}", "published": DATE, "text": text} for place, text in enumerate(texts))


def lines(texts):
    return "".join(json.dumps(record) + "\n" for record in records(texts)).encode()


def page(text, place):
    body = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs(text))
    menu = "<nav><ul>" + "".join(f"<li><a href=/{number}>Section {number}</a></li>" for number in range(30)) + "</ul></nav>"
    return f"<!doctype html><html><head><title>Item {place}</title></head><body>{menu}<main><article><h1>Item {place}</h1>{body}</article></main></body></html>"


def response(text, place):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page(text, place).encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/{place}\r\nWARC-Date: {DATE}\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    return head.encode() + http + b"\r\n\r\n"


def table(texts, dialect):
    out = io.StringIO()
    rows = csv.DictWriter(out, ["id", "title", "published", "text"], dialect=dialect)
    rows.writeheader()
    rows.writerows(records(texts))
    return out.getvalue().encode()


def parquet(path, texts):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(records(texts))), path, row_group_size=5000)


def arrow(compression, write):
    def write_file(path, texts):
        import pyarrow
        import pyarrow.ipc

        columns = pyarrow.Table.from_pylist(list(records(texts)))
        options = pyarrow.ipc.IpcWriteOptions(compression=compression)
        with getattr(pyarrow.ipc, write)(str(path), columns.schema, options=options) as out:
            out.write_table(columns, max_chunksize=5000)

    return write_file


def docx(path, texts):
    path.mkdir()
    for place, text in enumerate(texts):
        body = "".join(f"<w:p><w:r><w:t>{escape(paragraph)}</w:t></w:r></w:p>" for paragraph in paragraphs(text))
        with zipfile.ZipFile(path / f"{place}.docx", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
            archive.writestr("word/document.xml", f'<?xml version="1.0"?><w:document xmlns:w="w"><w:body>{body}</w:body></w:document>')


def rtf(text, place):
    plain = re.sub(r"([\\\\{}])", r"\\\1", "\n".join(paragraphs(text))).replace("\n", "\\par\n")
    return "{\\rtf1\\ansi " + "".join(letter if letter < "\x80" else f"\\u{ord(letter)}?" if letter < "\uffff" else "?" for letter in plain) + "}"


def message(text, place):
    encoded = quopri.encodestring(text.encode()).decode()
    return (
        f"From: Desk <desk@example.org>\nSubject: Item {place}\nDate: Sat, 01 Mar 2031 08:00:00 +0000\nMessage-ID: <{place}@example.org>\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{encoded}\n"
    )


def mbox(texts):
    mark = "From desk@example.org Sat Mar  1 08:00:00 2031\n"
    return "".join(mark + message(text, place) + "\n" for place, text in enumerate(texts)).encode()


def saved_page(text, place):
    encoded = quopri.encodestring(page(text, place).encode()).decode()
    head = f"From: <Saved by Blink>\nSubject: Item {place}\nDate: Sat, 01 Mar 2031 08:00:00 +0000\nMIME-Version: 1.0\n"
    part = f"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\nContent-Location: https://example.org/{place}\n\n{encoded}"
    return f'{head}Content-Type: multipart/related; type="text/html"; boundary="b0und"\n\n--b0und\n{part}\n--b0und--\n'


def rcv(text, place):
    return f'<?xml version="1.0" encoding="utf-8"?><newsitem itemid="{place}" date="2031-03-01" xml:lang="en"><title>Item {place}</title><headline>Item {place}</headline><text>{xhtml(escape(text))}</text></newsitem>'


def gigaword(texts):
    item = lambda text, place: f'<DOC id="XIN_ENG_20310301.{place:06}" type="story" >\n<HEADLINE>\nItem {place}\n</HEADLINE>\n<TEXT>\n{xhtml(text).replace("p>", "P>")}\n</TEXT>\n</DOC>\n'
    return items(texts, item).encode()


def mediawiki(texts):
    item = lambda text, place: f"<page><title>Item {place}</title><ns>0</ns><id>{place}</id><revision><id>{place}</id><timestamp>{DATE}</timestamp><text>{text}</text></revision></page>\n"
    return f'<mediawiki xml:lang="en"><siteinfo><sitename>Wire</sitename><base>https://example.org/wiki/Main</base></siteinfo>\n{items(texts, item)}</mediawiki>'.encode()


def nexis(texts):
    def item(text, place):
        body = "\n\n".join(paragraphs(text))
        head = f"{place + 1} of {len(texts)} DOCUMENTS\n\n\nBay Courier\n\nMarch 1, 2031 Saturday\n\nItem {place}\n\nBYLINE: Ida Brenn\n\nSECTION: NEWS; Pg. 3\n\nLENGTH: 143 words\n\n\n"
        return f"{head}{body}\n\nLOAD-DATE: March 2, 2031\n\nLANGUAGE: ENGLISH\n\n\n"

    return "".join(item(text, place) for place, text in enumerate(texts)).encode()


def lz4(path, texts):
    subprocess.run(["lz4", "-q", "-", path], input=lines(texts), check=True)


def items(texts, item):
    return "".join(item(escape(text), place) for place, text in enumerate(texts))


def xhtml(text):
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs(text))


def rss(texts):
    item = lambda text, place: f"<item><title>Item {place}</title><link>https://example.org/{place}</link><content:encoded>{escape(xhtml(text))}</content:encoded></item>"
    return f'<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Wire</title>{items(texts, item)}</channel></rss>'.encode()


def atom(texts):
    entry = lambda text, place: f"<entry><id>{place}</id><title>Item {place}</title><content type=\"html\">{escape(xhtml(text))}</content></entry>"
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>{items(texts, entry)}</feed>'.encode()


def newsml(texts):
    item = lambda text, place: f'<newsItem guid="urn:item:{place}"><contentMeta><headline>Item {place}</headline></contentMeta><contentSet><inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><body>{xhtml(text)}</body></html></inlineXML></contentSet></newsItem>'
    return f'<?xml version="1.0"?><newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>{items(texts, item)}</itemSet></newsMessage>'.encode()


def nitf(text, place):
    return f'<?xml version="1.0"?><nitf><head><title>Item {place}</title></head><body><body.content>{xhtml(escape(text))}</body.content></body></nitf>'


def reuters(texts):
    item = lambda text, place: f'<REUTERS NEWID="{place}"><DATE> 1-MAR-2031 08:00:00.00</DATE><TEXT><TITLE>ITEM {place}</TITLE><BODY>{text}</BODY></TEXT></REUTERS>\n'
    return ('<!DOCTYPE lewis SYSTEM "lewis.dtd">\n' + items(texts, item)).encode()


def ninjs(texts):
    item = lambda text, place: json.dumps({"uri": f"urn:item:{place}", "headline": f"Item {place}", "body_text": text})
    return ("[" + ",\n".join(item(text, place) for place, text in enumerate(texts)) + "]").encode()


def folder(suffix, content):
    def write(path, texts):
        path.mkdir()
        for place, text in enumerate(texts):
            (path / f"{place}.{suffix}").write_text(content(text, place))

    return write


def file(content):
    return lambda path, texts: path.write_bytes(content(texts))


def tar(path, texts):
    with tarfile.open(path, "w") as archive:
        for place, text in enumerate(texts):
            member = tarfile.TarInfo(f"{place}.txt")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def zipped(path, texts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, text in enumerate(texts):
            archive.writestr(f"{place}.txt", text)


def zstd(path, texts):
    subprocess.run(["zstd", "-q", "-o", path], input=lines(texts), check=True)


FORMATS = {
    "texts": folder("txt", lambda text, place: text),
    "pages": folder("html", page),
    "pages.warc": file(lambda texts: b"".join(response(text, place) for place, text in enumerate(texts))),
    "pages.warc.gz": file(lambda texts: b"".join(gzip.compress(response(text, place)) for place, text in enumerate(texts))),
    "lines.jsonl": file(lines),
    "lines.jsonl.gz": file(lambda texts: gzip.compress(lines(texts))),
    "lines.jsonl.zst": zstd,
    "lines.jsonl.lz4": lz4,
    "lines.jsonl.bz2": file(lambda texts: bz2.compress(lines(texts))),
    "lines.jsonl.xz": file(lambda texts: lzma.compress(lines(texts), preset=3)),
    "array.json": file(lambda texts: json.dumps(list(records(texts))).encode()),
    "ninjs.json": file(ninjs),
    "table.csv": file(lambda texts: table(texts, "unix")),
    "table.tsv": file(lambda texts: table(texts, "excel-tab")),
    "table.parquet": parquet,
    "table.feather": arrow("lz4", "new_file"),
    "stream.arrow": arrow(None, "new_stream"),
    "feed.rss": file(rss),
    "feed.atom": file(atom),
    "items.newsml": file(newsml),
    "nitf": folder("nitf", nitf),
    "wire.sgm": file(reuters),
    "items.rcv": folder("xml", rcv),
    "stories.gigaword.sgm": file(gigaword),
    "pages.mediawiki.xml": file(mediawiki),
    "letters": folder("eml", message),
    "letters.mbox": file(mbox),
    "saved": folder("mhtml", saved_page),
    "documents": docx,
    "documents.rtf": folder("rtf", rtf),
    "nexis.txt": file(nexis),
    "texts.tar": tar,
    "texts.zip": zipped,
}
if not importlib.util.find_spec("pyarrow"):
    for name in ["table.parquet", "table.feather", "stream.arrow"]:
        del FORMATS[name]
if not shutil.which("zstd"):
    del FORMATS["lines.jsonl.zst"]
if not shutil.which("lz4"):
    del FORMATS["lines.jsonl.lz4"]


if __name__ == "__main__":
    main()
