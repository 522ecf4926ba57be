"""Draw many companies at once, the same ones in every run."""

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties.companies import Plan, plans


def draw_plans(count: int, *, draw_seed: int) -> list[Plan]:
    """Draw plans of companies; the same count and seed give the same plans."""
    drawn: list[Plan] = []

    @seed(draw_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def keep(plan: Plan) -> None:
        drawn.append(plan)

    keep()
    return drawn[:count]
