"""The page in real Chromium, opened from a file: the circuit runs, is compared, can be broken, and asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from cosim.cli import main
from hdl.core.interface import Stage
from hdl.design import Design
from host_c.binding.model import Model
from talos_ref.files import build_root, make_folder
from talos_ref.golden.generate import letters, quantise_temperature
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.programs import find_program
from tests.helpers.designs import published
from tests.helpers.tiny_design import tiny_design

CORE = "tile16"
VALUES = 27 + 5
"""Compared at a step: the logits, and position, token in and out, argmax, random state."""
LARGEST = 4_000_000
SECONDS = 60_000
"""Longest wait for the browser, milliseconds."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of one core and of other words, without figures of commands."""
    folder = tmp_path_factory.mktemp("page")
    also = str(tiny_design().save(folder / "ab"))
    command = ["page", "--core", CORE, "--also", also, "--figures", str(folder), "--out", str(folder / "page")]
    assert main(command) == 0
    return folder / "page" / "index.html"


@dataclass
class Visit:
    """A page under test, and what it did that it should not."""

    index: Path
    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, **settings: str) -> None:
        """Open the page with settings in its link, and wait until it can be used."""
        self.page.goto(f"{self.index.as_uri()}#{'&'.join(f'{name}={value}' for name, value in settings.items())}")
        self.page.wait_for_function("document.documentElement.dataset.ready === 'true'", timeout=SECONDS)

    def text(self, name: str) -> str:
        """Return the text of an element."""
        return self.page.inner_text(f"#{name}").strip()

    def number(self, name: str) -> int:
        """Return the number that an element shows."""
        return int(self.text(name).replace(",", ""))

    def press(self, name: str) -> None:
        """Press a button, and wait until what it started has ended."""
        self.page.click(f"#{name}")
        self.page.wait_for_function("document.getElementById('pause').disabled", timeout=SECONDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; the root user of a container has no sandbox for it."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=find_program("chromium"), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(browser: Browser, index: Path) -> Iterator[Visit]:
    """A visit that must end without a word on the console and without a request beyond the page's own folder."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    found = Visit(index, context.new_page())

    def heard(message: ConsoleMessage) -> None:
        found.said.append(message.text)

    found.page.on("console", heard)
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    yield found
    context.close()
    assert found.said == []
    own = (index.parent.as_uri(), "data:", "blob:")
    assert [url for url in found.asked if not url.startswith(own)] == []


def golden_names(
    seed: int, count: int, flipped: tuple[str, int, int, int] | None = None, design: Design | None = None
) -> list[str]:
    """Return the names of the golden model in Python, which the page knows nothing of.

    ``flipped``: matrix, row, column and bit of a weight that is flipped.
    """
    design = design or published(CORE)
    model = IntegerModel(design.checkpoint, design.arithmetic)
    if flipped is not None:
        matrix, row, column, bit = flipped
        weights = model.tensors[matrix][row]
        weights[column] = weights[column] ^ 1 << bit  # bits below the sign
    warmth = quantise_temperature(0.5, design.arithmetic.sampler)
    return [design.model.decode(letters(model, seed=s, temperature=warmth)) for s in range(seed, seed + count)]


def test_it_makes_the_names_of_the_golden_model(visit: Visit) -> None:
    visit.open(core=CORE, seed="2", pace="full")
    visit.press("generate")
    assert visit.text("name") == visit.text("golden") == golden_names(2, 1)[0]
    assert visit.number("mismatches") == 0
    assert visit.number("compared") == 6 * VALUES
    visit.press("hundred")
    names = golden_names(2, 101)
    steps = sum(min(len(name) + 1, 15) for name in names)
    assert visit.number("compared") == steps * VALUES
    assert visit.number("mismatches") == 0
    shown = visit.page.locator("#names li").all_inner_texts()
    # The last ones are shown, the newest first; the hundred began at the seed after the first name's.
    assert shown[:39] == names[:-40:-1]
    assert sum(path.stat().st_size for path in visit.index.parent.rglob("*") if path.is_file()) <= LARGEST


def test_other_words_have_a_circuit_and_a_golden_answer_of_their_own(visit: Visit) -> None:
    design = tiny_design()
    visit.open(words="ab", seed="2", pace="full")
    assert visit.page.locator("#cores input").evaluate_all("all => all.map((one) => one.value)") == [design.name]
    visit.press("hundred")
    assert visit.page.locator("#names li").all_inner_texts() == [
        name or "(none)" for name in golden_names(2, 100, design=design)[:59:-1]
    ]
    assert visit.number("compared") > 100 * (3 + 5)
    assert visit.number("mismatches") == 0
    visit.page.get_by_role("radio", name="names").check(force=True)
    visit.page.wait_for_function("document.getElementById('status').textContent.includes('out of reset')")
    assert f"words=names&core={CORE}&" in visit.page.url
    visit.press("generate")
    assert visit.text("name") == golden_names(102, 1)[0]


def test_it_goes_by_cycles_and_by_steps(visit: Visit) -> None:
    visit.open(core=CORE, seed="2")
    for _ in range(3):
        visit.page.click("#cycle")
    # The cycle that accepts the request, and two of the first step.
    assert visit.number("cycles") == 3
    assert visit.text("step-cycles") == "2 of the step under way"
    visit.page.click("#step")
    assert visit.text("name") == golden_names(2, 1)[0][0]
    length = int(visit.text("step-cycles").split()[0])
    assert visit.number("cycles") == length + 1
    chart = visit.page.get_attribute("#gantt", "aria-label") or ""
    assert chart.startswith(f"{CORE}, step 0: {length + 1} cycles")
    stages = visit.page.locator("#stages li").all_inner_texts()
    assert set(stages) <= {stage.name.lower().replace("_", " ") for stage in Stage}
    assert "sample" in stages
    shares = [float(cell.removesuffix(" %")) for cell in visit.page.locator("#probabilities .value").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=2)
    visit.page.click("#step")
    visit.page.click("#step")
    rows = visit.page.locator("#attention tr").all_inner_texts()
    assert len(rows) == 1 + 4
    for row in rows[1:]:
        assert sum(float(cell) for cell in row.split()[1:]) == pytest.approx(1, abs=0.03)
    assert visit.page.get_attribute("#cache", "aria-label") == "Cache: keys and values of 3 of 16 positions"
    assert visit.number("mismatches") == 0


def test_a_flipped_bit_is_counted_until_it_is_repaired(visit: Visit) -> None:
    visit.open(core=CORE, seed="2", pace="full")
    visit.page.evaluate("Math.random = () => 0.01")
    visit.page.click("#flip")
    found = re.search(r"bit (\d+) of (layer0\.\w+)\[(\d+)\]\[(\d+)\]", visit.text("flipped"))
    assert found is not None
    bit, matrix, row, column = found.groups()
    visit.press("hundred")
    wrong = visit.number("mismatches")
    assert wrong > 100
    assert visit.text("first-mismatch").startswith("first: seed ")
    # It is the weight that the page names: the golden model with that bit flipped makes these very names.
    names = golden_names(2, 100, (matrix, int(row), int(column), int(bit)))
    assert names != golden_names(2, 100)
    assert visit.page.locator("#names li").all_inner_texts() == names[:59:-1]
    visit.page.click("#repair")
    visit.press("hundred")
    assert visit.number("mismatches") == wrong


def test_race_report_and_both_themes(visit: Visit) -> None:
    pictures = make_folder(build_root() / "screenshots")
    visit.open(core=CORE, seed="2", pace="full")
    visit.press("generate")
    # By keyboard from tab to tab.
    visit.page.focus("#tab-live")
    visit.page.keyboard.press("ArrowRight")
    visit.page.wait_for_selector("#race-chart svg", timeout=SECONDS)
    visit.page.click("#race")
    visit.page.wait_for_function("!document.getElementById('race').disabled", timeout=SECONDS)
    rates = visit.page.locator(".lane b").all_inner_texts()
    assert len(rates) == 3
    assert visit.page.locator(".lane .tag").all_inner_texts() == ["kernel simd128", "kernel simd128", "kernel scalar"]
    assert all(rate.endswith(" steps/s") for rate in rates)
    visit.page.keyboard.press("Tab")
    visit.page.focus("#tab-race")
    visit.page.keyboard.press("ArrowRight")
    visit.page.wait_for_selector("#report svg", timeout=SECONDS)
    assert "WebAssembly fp32 in Chrome, M4 Pro" in visit.text("report")
    for theme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=theme)
        for view in ("live", "race", "report"):
            visit.page.click(f"#tab-{view}")
            visit.page.screenshot(path=pictures / f"{view}-{theme}.png", full_page=True)
    visit.page.set_viewport_size({"width": 390, "height": 844})
    for view in ("live", "race", "report"):
        visit.page.click(f"#tab-{view}")
        # Wide parts scroll by themselves; the page does not.
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        visit.page.screenshot(path=pictures / f"{view}-phone.png", full_page=True)


def test_every_control_has_a_name_and_the_link_carries_the_settings(visit: Visit) -> None:
    visit.open(core=CORE, seed="77", temperature="1.25", pace="cycle")
    assert visit.page.input_value("#seed") == "77"
    assert visit.page.input_value("#temperature") == "1.25"
    assert visit.page.input_value("#pace") == "cycle"
    visit.page.fill("#seed", "5")
    visit.page.keyboard.press("Tab")
    assert f"core={CORE}&seed=5&temperature=1.25&pace=cycle" in visit.page.url
    for role in ("button", "tab", "radio", "spinbutton", "slider", "combobox"):
        found = visit.page.get_by_role(role)
        assert found.count() > 0
        named = visit.page.get_by_role(role, name=re.compile(r"\S"))
        assert named.count() == found.count()


def test_it_goes_by_keyboard_and_without_motion(visit: Visit) -> None:
    visit.page.emulate_media(reduced_motion="reduce")
    visit.open(core=CORE, seed="2")
    # Nothing moves that need not: a name comes at once.
    assert visit.page.input_value("#pace") == "full"
    reached = []
    for _ in range(12):
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate("document.activeElement.id || document.activeElement.value"))
    buttons = ["generate", "step", "cycle", "hundred", "link"]
    # The first is the link that skips the head, and choices come before what they are for.
    assert reached == ["skip", "tab-live", "names", CORE, "seed", "temperature", "pace", *buttons]
    for _ in range(4):
        visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("document.getElementById('status').textContent.includes('6 steps, seed 2.')")
    assert visit.text("name") == golden_names(2, 1)[0]
    visit.page.focus("#tab-live")
    visit.page.keyboard.press("End")
    assert visit.page.evaluate("document.activeElement.id") == "tab-report"
    visit.page.wait_for_selector("#report svg", timeout=SECONDS)
    assert "Some commands had not been run" in visit.text("report")
    visit.page.keyboard.press("Home")
    assert visit.page.is_visible("#view-live")


STEPS_IN_BROWSER = """
async ([arithmetic, kernel, seed, temperature, count]) => {
  const packed = Talos.embedded.library;
  const [bytes, model] = await Promise.all([Talos.unpack(packed.wasm), Talos.unpack(packed.model)]);
  const library = await Talos.Library.load(bytes, model, packed.arithmetics);
  const stream = library.stream(arithmetic, seed, temperature, kernel);
  return Array.from({ length: count }, () => stream.next(27)).map((step) => [step.token_out, step.rng, ...step.logits]);
}
"""


@pytest.mark.parametrize(
    ("arithmetic", "kernel"),
    [("folded", "simd128"), ("folded", "scalar"), ("precise", "scalar"), ("talos-v2", "scalar")],
)
def test_the_library_computes_every_bit_of_the_native_one(visit: Visit, arithmetic: str, kernel: str) -> None:
    visit.open(core=CORE)
    for seed, temperature in ((7, 0.5), (0xDEADBEEF, 2.0)):
        stream = Model(published(CORE).checkpoint, arithmetic).stream(seed, temperature)
        found = visit.page.evaluate(STEPS_IN_BROWSER, [arithmetic, kernel, seed, temperature, 1000])
        expected = [(stream.next(), stream.words()) for _ in range(1000)]
        assert found == [[step.token_out, step.rng, *map(int, words)] for step, words in expected]
