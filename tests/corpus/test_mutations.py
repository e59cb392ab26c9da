"""Two thousand damaged files: each is refused with a reason, or accepted and drawn. Nothing crashes, hangs, or swells.

In `make test` a tenth of them; in CI all.
"""

import multiprocessing
import os
import random
import re
import resource
import time
import traceback

import pymupdf_fonts
import pypdfium2
import pytest

from conferral.contract import PermanentError
from tests.corpus import handmade
from tests.pdf.making import PDF, generate

COUNT = 2000 if os.environ.get("CI") else 200
SECONDS = 5
"""Of the processor: others may want it at the same time."""
PATIENCE = 120
MEGABYTES = 500
FONTS = ("figo", "ubuntu", "cascadia", "symbol1")
TOKENS = (
    (b"/Type", b"/Tpye"),
    (b"obj", b"obk"),
    (b"endstream", b"endstreem"),
    (b"/Length ", b"/Length 9"),
    (b"/Kids", b"/Parent"),
    (b"/MediaBox", b"/MediaCox"),
    (b" 0 R", b" 1 R"),
    (b"[0 0 ", b"[-99999999 1e99 "),
    (b"/Resources", b"/Contents"),
    (b"xref", b"xfer"),
    (b"/Size ", b"/Size 99999"),
    (b"/Filter", b"/Felter"),
    (b"/Count ", b"/Count -"),
    (b"<<", b"<"),
    (b"1 0 R", b"2 0 R"),
)

NUMBERS = 6
ODD = (b"-1", b"0", b"99999999999999999999", b"2147483647", b"-2147483648", b"1e9", b"0.00000001", b"65536", b"null")
OBJECT, BEGINNING = 7, 8
WAYS = {
    NUMBERS: re.compile(rb"(?<=[ \[(/a-z])\d+(?=[ \]/>])"),
    OBJECT: re.compile(rb"\d+ 0 obj.*?endobj", re.DOTALL),  # an object that is not there
    BEGINNING: re.compile(rb"(?<=stream\n).{1,40}", re.DOTALL),  # a stream that begins later
}


def seeds():
    templates = [make() for name, make in handmade.ACCEPTED.items() if name != "20 pages"]
    return [("pdf", content) for content in templates] + [("font", bytes(pymupdf_fonts.myfont(name))) for name in FONTS]


def mutated(kind, content, number):
    """The same file for the same number."""
    source = random.Random(number)
    damaged = bytearray(content)
    way = source.randrange(9 if kind == "pdf" else 6)
    if way == 0:
        return bytes(damaged[: source.randrange(len(damaged))])
    if way == 1 and kind == "pdf":
        for _ in range(source.randint(1, 4)):
            old, new = source.choice(TOKENS)
            places = content.count(old)
            if places:
                damaged = damaged.replace(old, new, source.randint(1, places))
        return bytes(damaged)
    if way == 2:
        start = source.randrange(len(damaged))
        del damaged[start : start + source.randint(1, 400)]
        return bytes(damaged)
    if way in WAYS:
        found = list(WAYS[way].finditer(content))
        for match in sorted(source.sample(found, min(len(found), source.choice([1, 3]))), key=lambda one: -one.start()):
            damaged[match.start() : match.end()] = b"" if way != NUMBERS else source.choice(ODD)
        return bytes(damaged)
    # The beginning of a font says where its tables are: damage there tells more than in an outline.
    end = 600 if kind == "font" and source.random() < 0.5 else len(damaged)
    for _ in range(source.choice([1, 3, 30])):
        damaged[source.randrange(min(end, len(damaged)))] = source.choice([0, 255, source.randrange(256)])
    return bytes(damaged)


def tried(kind, content):
    """What becomes of it: refused, or drawn."""
    try:
        PDF().check_asset(kind, content)
        plain = handmade.drawn(b"")
        options = {"elements": {"name": {"text": "{name} Añ", "y": "50%", "min_size": 1, "size": 12}}}
        if kind == "pdf":
            made = generate(template=content, **options)
        else:
            made = generate(template=plain, assets={"own": content}, font="own", **options)
    except PermanentError as error:
        return "refused" if str(error) else "refused without a reason"
    with pypdfium2.PdfDocument(made) as document:
        for page in document:
            scale = min(1, 600 / max(page.get_size()))
            page.render(scale=scale)
    return "drawn"


def work(given, answers):
    """Tries cases until there are none."""
    cases = seeds()
    answers.put(("ready", None, "", 0.0, memory()))
    while (number := given.get()) is not None:
        kind, content = cases[number % len(cases)]
        begun = time.process_time()
        try:
            outcome = tried(kind, mutated(kind, content, number))
        except BaseException:  # whatever it is, it is what the test is about
            outcome = traceback.format_exc()
        answers.put((number, kind, outcome, time.process_time() - begun, memory()))


def weighed(name, answers):
    """What becomes of one file, in a process of its own that gets no more than it may need."""
    content, before = handmade.BOMBS[name][0](), memory()
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    begun = time.process_time()
    try:
        PDF().check_asset("pdf", content)
        reason = ""
    except PermanentError as error:
        reason = str(error)
    answers.send((reason, time.process_time() - begun, memory() - before))


@pytest.mark.parametrize("name", handmade.BOMBS)
def test_what_asks_too_much_is_refused_at_once(name):
    context = multiprocessing.get_context("spawn")
    answers, sender = context.Pipe(duplex=False)
    worker = context.Process(target=weighed, args=(name, sender), daemon=True)
    worker.start()
    sender.close()  # so that the end of the worker is the end of the pipe
    try:
        assert answers.poll(PATIENCE)
        reason, seconds, megabytes = answers.recv()
    finally:
        worker.terminate()
    assert re.match(handmade.BOMBS[name][1], reason)
    assert seconds < SECONDS
    assert megabytes < MEGABYTES


def memory():
    """Megabytes at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.xdist_group("mutations")
def test_damaged_files_are_refused_or_drawn():
    context = multiprocessing.get_context("spawn")
    given, answers = context.Queue(), context.Queue()
    worker = context.Process(target=work, args=(given, answers), daemon=True)
    worker.start()
    *_, before = answers.get(timeout=PATIENCE)
    outcomes = {"refused": 0, "drawn": 0}
    try:
        for number in range(COUNT):
            given.put(number)
            try:
                _, kind, outcome, seconds, peak = answers.get(timeout=PATIENCE)
            except Exception:
                pytest.fail(f"case {number} crashed or hangs (alive: {worker.is_alive()})")
            assert outcome in outcomes, f"case {number}, a {kind}: {outcome}"
            assert seconds < SECONDS, f"case {number}, a {kind}: {seconds:.1f} s"
            assert peak - before < MEGABYTES, f"case {number}, a {kind}: {peak - before:.0f} MB"
            outcomes[outcome] += 1
        given.put(None)
        worker.join(timeout=10)
    finally:
        worker.terminate()
    assert outcomes["refused"] > COUNT / 10
    assert outcomes["drawn"] > COUNT / 10
