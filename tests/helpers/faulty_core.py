"""A core in a shell that breaks the rules of its ports, one at a time, and a bench that sees the lock step find it."""

from __future__ import annotations

import re
from typing import Any

import cocotb
import numpy as np

from cosim.core.checker import Mismatch
from cosim.core.cocotb_pins import lock_step
from cosim.core.recorder import packings
from hdl.design import Design

__all__ = ["FAULTS", "RESULT", "faults", "faulty_verilog"]

RESULT = 10
"""From which a fault shows; they count from 0."""

# The core itself is renamed; NAME is its own.
_SHELL = """
module NAME (
    input wire clk, rst, clear, request__valid, result__ready,
    input wire [REQUEST - 1:0] request__payload,
    output reg request__ready, result__valid, busy, error,
    output reg [RESULT - 1:0] result__payload,
    output reg [LOGITS - 1:0] logits,
    output wire [STAGE - 1:0] stage,
    output reg [COUNTERS - 1:0] counters
);
    wire ready, valid, works, wrong;
    wire taken = valid && result__ready;
    wire [RESULT - 1:0] payload;
    wire [LOGITS - 1:0] words;
    wire [COUNTERS - 1:0] counted;
    reg [RESULT - 1:0] last_payload = 0;
    reg [LOGITS - 1:0] last_words = 0;
    reg [31:0] results = 0, fault = 0;
    reg after = 0, waits = 0;
    wire now = results == FIRST, past = results > FIRST;
    always @(posedge clk) begin
        results <= rst ? 0 : results + taken;
        after <= now && taken;
        waits <= valid && !result__ready;
        if (taken) last_payload <= payload;
        if (taken) last_words <= words;
    end
    NAME_core core (
        .clk(clk), .rst(rst), .clear(clear), .request__valid(request__valid), .request__payload(request__payload),
        .request__ready(ready), .result__valid(valid), .result__payload(payload), .result__ready(result__ready),
        .logits(words), .busy(works), .error(wrong), .stage(stage), .counters(counted)
    );
    always @* begin
        request__ready = ready; result__valid = valid; result__payload = payload; logits = words;
        busy = works; error = wrong; counters = counted;
        case (fault)
CASES
        endcase
    end
endmodule
"""
_VALUES = r"must be -?\d+, not -?\d+"
FAULTS = {
    "a step is dropped": ("if (now) result__valid = 0;", "AT"),
    "a step comes again": ("if (now) begin result__payload = last_payload; logits = last_words; end", "AT"),
    "two logits are swapped": ("if (now) logits = {words[0 +: WORD], words[LOGITS - 1:WORD]};", "AT"),
    "a token is another": ("if (now) result__payload = payload ^ 1 << TOKEN;", "AT"),
    "logits are unknown": ("if (now) logits = {LOGITS{1'bx}};", "AT"),
    "a result is offered again": ("if (after) result__valid = 1;", rf"result must be None, not \{{|\S+ {_VALUES}"),
    "a result is not asked for": ("if (past && !works) result__valid = 1;", r"result must be None, not \{"),
    "the core stays busy": ("if (past) busy = 1;", "busy must be 0, not 1"),
    "an error is reported": ("if (past) error = 1;", "error must be 0, not 1"),
    "a request is refused": ("if (past) request__ready = 0;", "request__ready must be 1, not 0"),
    "cycles are miscounted": ("if (past) counters = counted + 1;", rf"counters\.cycles {_VALUES}"),
    "no result comes": ("if (past) result__valid = 0;", r"result must be 'offered in \d+ cycles', not None"),
    "an offered token changes": ("if (past && waits) result__payload = ~payload;", "offered payload must be '"),
    "an offered logit changes": ("if (past && waits) logits = ~words;", "offered logits must be '"),
}  # fmt: skip
"""What happens -> how, and what the difference says; ``AT`` where the wrong result is named."""


def faulty_verilog(design: Design, core: str) -> str:
    """Return a core's Verilog in the shell."""
    found = packings(design.core)
    logits = found["LOGITS"]
    numbers = {name: packing.width for name, packing in found.items()} | {
        "FIRST": RESULT, "TOKEN": found["RESULT"].slots["token_out"].offset, "WORD": logits.slots["[0]"].width,
    }  # fmt: skip
    cases = [f"            {number}: begin {how} end" for number, (how, _) in enumerate(FAULTS.values(), start=1)]
    text = _SHELL.replace("CASES", "\n".join(cases)).replace("NAME", design.name)
    for name, number in numbers.items():
        text = re.sub(rf"\b{name}\b", str(number), text)
    return core.replace(f"module {design.name}(", f"module {design.name}_core(") + text


@cocotb.test()
async def faults(dut: Any) -> None:
    """Each fault is found, and nothing is without one; where results can wait for their consumer, they do."""
    async with lock_step(dut) as bench:
        requests = bench.config.requests
        answers = bench.model.answers(requests)
        half = len(requests) // 2
        index = int(np.searchsorted(np.cumsum(answers.counts), RESULT, side="right"))
        place = requests[index].seed, RESULT - int(answers.counts[:index].sum())
        shell = getattr(dut, bench.design.name)
        for number, what in enumerate(["nothing", *FAULTS]):
            shell.fault.value = number
            if "changes" in what:
                bench.pins.drive(result__ready=0)
                bench.pins.spawn(bench.driver.stall(lambda: not bench.pins.edge % 3))
            bench.checker.drop()
            await bench.driver.reset()
            caught = None
            try:
                for first, end in ((0, half), (half, len(requests))):
                    await bench.play(requests[first:end], answers.part(first, end), slowness=4)
            except Mismatch as mismatch:
                caught = mismatch
            cocotb.log.info(f"{what}: {caught}")
            wanted = FAULTS[what][1] if number else None
            if wanted is None or caught is None:
                assert wanted is None
                assert caught is None
            elif wanted == "AT":
                assert (caught.seed, caught.step) == place
            else:
                assert re.search(f": ({wanted})", str(caught))
