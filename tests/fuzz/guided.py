"""Fuzz the readers with atheris, which keeps what reaches new code: ``python -m tests.fuzz.guided SECONDS``.

Each reader has a process of its own, for so many seconds, and begins with texts that Hypothesis draws. What
is found is kept in build/fuzz/readers, and read again by ``python -m tests.fuzz.guided NAME FILE``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOUND = Path("build", "fuzz", "readers")
_SEEDS = 200
_LIMITS = ("-timeout=20", "-rss_limit_mb=4096", "-max_len=20000")


def main(arguments: list[str]) -> int:
    """Fuzz every reader for so many seconds, or one with libFuzzer's options; 1 where something was found."""
    name, *options = arguments
    if name.isdecimal():
        return max(_fuzz(each, name) for each in _names())
    return _guide(name, options)


def _names() -> list[str]:
    from tests.fuzz.readers import READERS  # noqa: PLC0415 - not before atheris instruments it

    return list(READERS)


def _fuzz(name: str, seconds: str) -> int:
    corpus, found = FOUND / name / "corpus", FOUND / name
    corpus.mkdir(parents=True, exist_ok=True)
    _sow(name, corpus)
    options = (*_LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={found}/", str(corpus))
    command = [sys.executable, "-m", "tests.fuzz.guided", name, *options]
    print(f"{name}: {seconds} s", flush=True)  # noqa: T201 - a script
    return int(subprocess.run(command, check=False).returncode != 0)


def _sow(name: str, folder: Path) -> None:
    from hypothesis import HealthCheck, Phase, given, settings  # noqa: PLC0415 - of no use to what is guided

    from tests.fuzz.inputs import INPUTS  # noqa: PLC0415 - the same

    drawn: list[bytes] = []

    @settings(
        max_examples=_SEEDS, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(INPUTS[name])
    def keep(data: bytes) -> None:
        drawn.append(data)

    keep()
    for number, data in enumerate(drawn):
        (folder / f"drawn-{number}").write_bytes(data)


def _guide(name: str, options: list[str]) -> int:
    import atheris  # noqa: PLC0415 - which only this needs

    with atheris.instrument_imports(include=["convmm", "parity", "tomllib"]):
        from tests.fuzz.readers import read  # noqa: PLC0415 - instrumented

    atheris.Setup([sys.argv[0], *options], lambda data: read(name, data))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
