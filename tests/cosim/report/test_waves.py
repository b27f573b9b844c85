"""Files of a waveform that belong together, written by several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = [f"{index}.txt" for index in range(6)]
# Writes the same files again and again, each time with another content, and stops for a moment behind each.
_WRITER = """
import sys, time
from pathlib import Path
from cosim.report import waves

write = waves.write_bytes
waves.write_bytes = lambda path, content: (write(path, content), time.sleep(0.005))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(8):
    content = f"{sys.argv[2]} {turn}".encode()
    waves.write_together(Path(sys.argv[1]), {name: content for name in sys.argv[3:]})
print(content.decode())
"""


def test_two_writers_at_once(tmp_path: Path) -> None:
    """What lies in the folder is of one run; the last to begin has the last word."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), who, *(NAMES if who == "a" else reversed(NAMES))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in ("a", "b")
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    last = [writer.communicate()[0].strip() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    contents = {(tmp_path / name).read_text() for name in NAMES}
    assert len(contents) == 1
    assert contents <= set(last)
