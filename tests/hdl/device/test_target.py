"""Targets: how one is found, what each says of memories, and what the Verilog of a core shows of it."""

from __future__ import annotations

from hdl.boards.de1_soc.platform import De1SocPlatform
from hdl.boards.ulx3s.platform import BOARDS, Ulx3sPlatform
from hdl.core.config import CoreConfig
from hdl.device.cyclone_v_target import CYCLONE_V, CYCLONE_V_INFERRED
from hdl.device.ecp5_target import ECP5
from hdl.device.target import GENERIC, DevicePlatform, target_of
from hdl.device.targets import TARGETS
from hdl.verilog import core_verilog
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of


def test_found_from_the_platform() -> None:
    assert target_of(None) is GENERIC
    assert target_of(DevicePlatform(CYCLONE_V)) is CYCLONE_V
    assert target_of(De1SocPlatform()) is CYCLONE_V
    assert target_of(De1SocPlatform(toolchain="Mistral")) is CYCLONE_V_INFERRED
    assert target_of(Ulx3sPlatform(BOARDS["ulx3s-85f"])) is ECP5


def test_names() -> None:
    assert {name: target.name for name, target in TARGETS.items()} == {name: name for name in TARGETS}
    assert {"generic", "cyclone-v", "ecp5"} <= set(TARGETS)


def test_memories() -> None:
    assert GENERIC.memory_attributes(512, 256) == {}
    assert CYCLONE_V.memory_attributes(512, 256) == {"ramstyle": "M10K"}
    assert CYCLONE_V_INFERRED.memory_attributes(32, 20) == {"ramstyle": "MLAB"}
    assert [ECP5.memory_attributes(depth, 459) for depth in (32, 33)] == [{"ram_style": "distributed"}, {}]


def test_core() -> None:
    """The memories of attention's cache, which are to be in blocks wherever the device has a word for it."""
    model = ModelConfig(alphabet="ab", block_size=2, n_embd=8, n_head=2, mlp_dim=4)
    config = CoreConfig(
        name="tiny", arithmetic_name="precise", tile_rows=2, tile_columns=2, attention_positions=2, model=model
    )
    design = design_of(config, random_checkpoint(model, 1))
    generic, cyclone_v = core_verilog(design), core_verilog(design, CYCLONE_V)
    assert (generic.count("ramstyle"), cyclone_v.count('ramstyle = "M10K"')) == (0, 4)
    assert "// Target: generic.\n" in generic
    assert "// Target: cyclone-v.\n" in cyclone_v
