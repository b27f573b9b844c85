"""The page in Chromium without a network: usable after how long, every bit of 10,000 steps, and how fast."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.page.native_loop import NativeLoop
from cosim.page.words import Words
from hdl.design import Design
from host_c.binding.model import Model
from talos_ref.programs import find_program

__all__ = ["MeasureError", "Measured", "Opened", "measure", "open_page"]

SEED, TEMPERATURE = 1, 0.5
_TURN_SECONDS = 0.3
"""Processor time that a turn of a loop takes, about."""
_LONGEST_MS = 600_000


class MeasureError(RuntimeError):
    """The page cannot be opened, or does not compute what it must."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was found of one core."""

    words: str
    core: str
    steps: int
    values: int
    """Compared with the native C library."""
    native: list[float]
    """Cycles a second of processor time, a turn each, as the next two."""
    browser: list[float]
    shown: list[float]
    """With chart, captures and logits handed to JavaScript, as the page runs it."""

    @property
    def ratios(self) -> list[float]:
        """The browser's loop beside the native one, turn by turn."""
        return [browser / native for browser, native in zip(self.browser, self.native, strict=True)]

    def line(self) -> str:
        """Return it as a line for people."""
        native, browser, shown = (statistics.median(rates) for rates in (self.native, self.browser, self.shown))
        ratios = self.ratios
        return (
            f"{self.words}, {self.core}: {self.steps:,} steps, {self.values:,} values, all as in the native C library; "
            f"cycles/s: native {native:,.0f}, Chromium {browser:,.0f} ({statistics.median(ratios):.2f}, "
            f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} turns), with all that the page shows {shown:,.0f}"
        )


@dataclass(frozen=True)
class Opened:
    """The page in a browser."""

    page: Any
    """Playwright's."""
    clock: Any
    """A session of Chromium's own protocol, which tells processor time."""
    version: str
    seconds: float
    """Until it could be used."""

    def processor_seconds(self) -> float:
        """Return the processor time of the page's thread so far."""
        metrics = self.clock.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "ThreadTime"))


@contextmanager
def open_page(index: Path) -> Iterator[Opened]:
    """Yield the page in Debian's Chromium, which has no network.

    Raises MeasureError if Playwright is not installed, or the page says a word on the console; FileNotFoundError if
    there is no Chromium.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MeasureError("the Python package playwright is not installed; `make setup` installs it") from None
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_program("chromium"), args=["--no-sandbox"])
        try:
            context = browser.new_context(offline=True)
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.set_default_timeout(_LONGEST_MS)
            started = time.monotonic()
            page.goto(index.resolve().as_uri())
            page.wait_for_function("document.documentElement.dataset.ready === 'true'")
            seconds = time.monotonic() - started
            clock = context.new_cdp_session(page)
            clock.send("Performance.enable", {"timeDomain": "threadTicks"})
            yield Opened(page, clock, browser.version, seconds)
        finally:
            browser.close()
    if said:
        raise MeasureError(f"the page must say nothing on the console, not {said[0]!r}")


_LOAD = """
async (file) => {
  await Talos.script(`data/${file}.js`);
  const description = Talos.embedded[file];
  globalThis.measured = await Talos.Circuit.load(description, await Talos.unpack(description.wasm));
}
"""
_STEPS = """
([seed, temperature, steps]) => {
  const found = [];
  while (found.length < steps) {
    measured.request(seed++, temperature);
    for (let last = false; !last;) {
      const step = measured.run(100000);
      if (!step) throw new Error("the circuit does not end its step");
      found.push([step.position, step.token_in, step.token_out, step.argmax, step.rng, ...step.logits]);
      last = step.last;
    }
  }
  return found;
}
"""
_SPIN = "(cycles) => { measured.library.circuit_spin(cycles); }"
_SHOW = """
([seed, temperature, cycles]) => {
  const first = measured.cycles;
  let last = true;
  while (measured.cycles - first < cycles) {
    if (last) measured.request(seed, temperature);
    last = measured.run(100000).last;
    measured.chart();
    Talos.readKept(measured.description, measured.kept(), 0);
  }
  return measured.cycles - first;
}
"""


def measure(opened: Opened, lists: Sequence[Words], steps: int, turns: int) -> Iterator[Measured]:
    """Yield what is found of each core: its steps beside the native C library, its speed beside a native loop.

    Turns of the loops alternate, and are timed by the processor time of their threads.

    Raises
    ------
    MeasureError
        If a value differs.
    SimulatorError, ToolchainError, FileNotFoundError
        If the native loop cannot be made.
    """
    for number, words in enumerate(lists):
        for design in words.designs:
            opened.page.evaluate(_LOAD, f"core-{number}-{design.name}")
            compared = _compare(opened, design, steps)
            yield _time(opened, words.name, design, compared, turns)


def _compare(opened: Opened, design: Design, steps: int) -> tuple[int, int]:
    """Return how many steps there were, and how many values of them were compared."""
    stream = Model(design).stream(SEED, TEMPERATURE)
    found = opened.page.evaluate(_STEPS, [SEED, TEMPERATURE, steps])
    seed = SEED - 1
    for number, row in enumerate(found):
        if row[0] == 0:
            seed += 1
            stream.reset(seed)
        step = stream.next()
        expected = [step.pos, step.token_in, step.token_out, step.argmax, step.rng, *map(int, stream.words())]
        if row != expected:
            raise MeasureError(f"{design.name}, step {number}, seed {seed}: the page must have {expected}, not {row}")
    return len(found), sum(map(len, found))


def _time(opened: Opened, words: str, design: Design, compared: tuple[int, int], turns: int) -> Measured:
    loop = NativeLoop(design, SEED, TEMPERATURE)
    request = [SEED, TEMPERATURE]
    opened.page.evaluate("([seed, temperature]) => { measured.request(seed, temperature); }", request)

    def native(cycles: int) -> float:
        started = time.thread_time()
        loop.spin(cycles)
        return cycles / (time.thread_time() - started)

    def browser(cycles: int) -> float:
        started = opened.processor_seconds()
        opened.page.evaluate(_SPIN, cycles)
        return cycles / (opened.processor_seconds() - started)

    def shown(cycles: int) -> float:
        started = opened.processor_seconds()
        done = opened.page.evaluate(_SHOW, [*request, cycles])
        return float(done) / (opened.processor_seconds() - started)

    # The first turn warms both up, and says how long one has to be.
    cycles = int(native(20_000) * _TURN_SECONDS)
    browser(cycles)
    rates: dict[str, list[float]] = {"native": [], "browser": []}
    for _ in range(turns):
        rates["native"].append(native(cycles))
        rates["browser"].append(browser(cycles))
    # A circuit out of reset: the loop above left off in mid-name.
    opened.page.evaluate("measured.reset()")
    rates["shown"] = [shown(cycles // 2) for _ in range(turns)]
    return Measured(words=words, core=design.name, steps=compared[0], values=compared[1], **rates)
