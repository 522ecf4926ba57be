"""Draw many companies at once, the same ones in every run of the same tests.

Hypothesis also tries numbers that it reads in the loaded modules, so that other companies may come
of the same seed when fewer files of tests are run: a failure prints its company or deliveries.
"""

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties.companies import Plan, plans

PER_SEED = 8


def draw_plans(count: int, *, draw_seed: int) -> list[Plan]:
    """Draw plans of companies; the same count and seed give the same plans where the same
    modules are loaded.

    One drawing begins with the plainest company and then tends to vary what it has drawn; so the
    plans come from many short drawings, each without its first.
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
