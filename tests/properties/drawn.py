"""Draw many companies at once, the same ones whichever tests are run.

Hypothesis also tries numbers that it reads in the modules it finds loaded, so that a drawing in the
tests' own process would depend on which tests are run beside it. The drawing therefore has a
process of its own, in which no test is loaded.
"""

import pickle
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties.companies import Plan, plans

PER_SEED = 8
ROOT = Path(__file__).resolve().parents[2]


def draw_plans(count: int, *, draw_seed: int) -> list[Plan]:
    """Draw plans of companies; the same count and seed give the same plans."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.properties.drawn", str(count), str(draw_seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    drawn: list[Plan] = pickle.loads(done.stdout)  # noqa: S301
    return drawn


def _drawings(count: int, draw_seed: int) -> list[Plan]:
    """Plans of many short drawings, each without its first.

    A drawing begins with the plainest company and then tends to vary what it has drawn.
    """
    drawn: list[Plan] = []
    drawing = 0
    while len(drawn) < count:
        drawn += _one_drawing(draw_seed * 1000 + drawing)[1:]
        drawing += 1
    return drawn[:count]


def _one_drawing(drawing_seed: int) -> list[Plan]:
    drawn: list[Plan] = []

    @seed(drawing_seed)
    @settings(
        max_examples=PER_SEED,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def keep(plan: Plan) -> None:
        drawn.append(plan)

    keep()
    return drawn


if __name__ == "__main__":
    count, draw_seed = map(int, sys.argv[1:])
    sys.stdout.buffer.write(pickle.dumps(_drawings(count, draw_seed)))
