"""The error budget of each saga: how many may need more than their definition, and how fast is bad.

An objective is a share of the sagas of a kind that end, within some time, without a person and
within their deadline. The alerts see how fast its rest is being spent over two windows at once, a
long one that says it matters and a short one that says it goes on (Google, *The Site Reliability
Workbook*, chapter 5).
"""

from dataclasses import dataclass

from deploy.monitoring.alerts import WHY, Alert

# What spends the budget of a return is its deadline alone: its definition asks people on purpose.
OBJECTIVES = {"order": 0.99, "parcel": 0.99, "cancel": 0.95, "return": 0.99}
SPENT = {"return": "deadline"}
USUALLY = "person|deadline"


@dataclass(frozen=True)
class Burn:
    """How fast is too fast: `factor` times what would spend the budget in 30 days."""

    factor: float
    long: str
    short: str
    lasts: str


FAST = (Burn(14.4, "1h", "5m", "2m"), Burn(6, "6h", "30m", "15m"))
SLOW = (Burn(3, "1d", "2h", "1h"), Burn(1, "3d", "6h", "3h"))
WINDOWS = tuple(sorted({window for burn in (*FAST, *SLOW) for window in (burn.long, burn.short)}))


def ratio(window: str) -> str:
    """The name of the recorded share of sagas that spent their budget within a window."""
    return f"concerto:saga_spent:ratio_rate{window}"


def share(saga: str, window: str) -> str:
    """PromQL: the share of sagas of a kind that ended within a window and spent their budget."""
    spent = SPENT.get(saga, USUALLY)
    bad = f'concerto_sagas_ended_total{{saga="{saga}",spent=~"{spent}"}}[{window}]'
    every = f'concerto_sagas_ended_total{{saga="{saga}"}}[{window}]'
    return f"sum(rate({bad})) / sum(rate({every}))"


def _burning(burns: tuple[Burn, ...]) -> str:
    parts = []
    for saga, objective in OBJECTIVES.items():
        for burn in burns:
            limit = f"{burn.factor * (1 - objective):.4g}"
            both = (
                f'{ratio(window)}{{saga="{saga}"}} > {limit}' for window in (burn.long, burn.short)
            )
            parts.append(f"({' and '.join(both)})")
    return " or ".join(parts)


MEANS = (
    "More sagas than their objective allows needed a person, or longer than their deadline. "
    "Objectives: "
    + ", ".join(f"{saga} {objective:.0%}" for saga, objective in OBJECTIVES.items())
    + "."
)
DOES = (
    "See what they need people for: `concerto reviews`, and *Questions* on the dashboard.",
    WHY,
)

BUDGETS = (
    Alert(
        name="BudgetBurnsFast",
        severity="page",
        summary="Sagas spend their error budget within days",
        expr=_burning(FAST),
        lasts="2m",
        means=MEANS,
        does=DOES,
        href="/console/attention",
    ),
    Alert(
        name="BudgetBurnsSlowly",
        severity="ticket",
        summary="Sagas spend their error budget before its time",
        expr=_burning(SLOW),
        lasts="1h",
        means=MEANS,
        does=DOES,
        href="/console/attention",
    ),
)
