"""Who takes part: customers, collectors, and the portfolios that tie them for a while.

Everything here is small (one entry per customer or person) and held in memory as arrays, because
every block of business looks it up. Documents, payments and contacts live elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.sample.settings import NEVER, Days, Settings, day_number

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: The domestic company (CNY, a little USD) and the overseas company (USD and EUR).
DOMESTIC, OVERSEAS = "1000", "2000"

CURRENCIES = ("CNY", "USD", "EUR")
SEGMENTS = ("key_account", "enterprise", "small_business", "public_sector")
REGIONS = ("East China", "South China", "North China", "West China", "North America", "Europe")
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin")

#: Marks that only the sample's personal data carries, so that a search finds a leak.
PHONE_CANARY = "+86 199-0000-"
EMAIL_CANARY = "@canary.example"

_KEY_ACCOUNT, _ENTERPRISE, _SMALL, _PUBLIC = range(4)
_CITIES = (
    ("上海", "苏州", "杭州", "南京", "宁波", "合肥"),
    ("深圳", "广州", "东莞", "佛山", "厦门"),
    ("北京", "天津", "青岛", "大连", "石家庄"),
    ("成都", "重庆", "西安", "昆明", "贵阳"),
)
# One word needs four bytes in GB18030, as real company names sometimes do.
_WORDS = "华鑫,瑞丰,恒通,金泰,德润,嘉禾,博远,中凯,万联,宏图,信达,永盛,天成,海川,启航,𠮷祥,东方"
_TRADES = "机械,电子,建材,医疗器械,汽车零部件,包装,食品,化工,物流,纺织,能源科技,自动化设备"
_PUBLIC_BODIES = "人民医院,职业技术学院,轨道交通建设公司,市政工程管理处,自来水公司,第一中学"
_ENGLISH_WORDS = (
    "Meridian,Northgate,Halcyon,Redwood,Keystone,Bluewater,Stonebridge,Ashford,Lindqvist,"
    "Vandermeer,Castell,Hartmann,Rossi,Delacroix,Whitfield,Ironbark,Summit,Müller & Söhne"
)
_ENGLISH_TRADES = "Components,Tooling,Logistics,Medical,Foods,Packaging,Automation,Textiles,Energy"
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何"
_GIVEN_NAMES = "伟,芳,娜,敏,静,强,磊,军,洋,艳,勇,杰,娟,涛,明,超,秀英,桂兰,建华,晓燕"
_FOREIGN_NAMES = "Anna Keller,James Ortiz,Marie Dubois,Tom Becker,Olivia Grant,Luis Romero"


@dataclass(frozen=True)
class Customers:
    """One entry per customer in each array; the position is the customer's number here.

    Attributes:
        customer_id: Number in the master data; leading zeros at home.
        name: Chinese or English name.
        segment: Position in ``SEGMENTS``.
        region: Position in ``REGIONS``.
        parent: Number of the group's head, or -1.
        is_overseas: Whether the overseas company bills it.
        currency: Position in ``CURRENCIES``.
        zone: Position in ``ZONES``.
        terms: Payment terms in days.
        habit: Paying habit, 0 (prompt) to 3 (poor).
        credit_limit: Limit in cents, until ``limit_changed``.
        limit_changed: Day from which the limit is a quarter higher, or ``NEVER``.
        onboarded: First day as a customer.
        insolvent: Day of insolvency, or ``NEVER``.
        pay_weekday: Weekday of its payment run, Monday 0.
        amount_scale: How large its invoices are.
        documents: How many documents it is billed.
    """

    customer_id: pl.Series
    name: pl.Series
    segment: Integers
    region: Integers
    parent: Integers
    is_overseas: Flags
    currency: Integers
    zone: Integers
    terms: Integers
    habit: Integers
    credit_limit: Integers
    limit_changed: Days
    onboarded: Days
    insolvent: Days
    pay_weekday: Integers
    amount_scale: Floats
    documents: Integers

    @property
    def count(self) -> int:
        """Number of customers."""
        return len(self.customer_id)


@dataclass(frozen=True)
class Collectors:
    """One entry per member of the collection teams."""

    collector_id: pl.Series
    name: pl.Series
    team: pl.Series
    role: pl.Series
    hired: Days
    left: Days
    hourly_cents: Integers

    @property
    def count(self) -> int:
        """Number of people."""
        return len(self.collector_id)

    def having(self, role: str) -> Integers:
        """Return the numbers of the people in a role."""
        return np.flatnonzero((self.role == role).to_numpy())


@dataclass(frozen=True)
class Portfolios:
    """Who owned which customer when: up to three owners per customer, in order.

    Attributes:
        owners: Collector numbers, one row per customer and one column per tenure.
        starts: First day of each tenure; ``NEVER`` where there is no such tenure.
    """

    owners: Integers
    starts: Days

    def owner_at(self, customers: Integers, days: Days) -> Integers:
        """Return the owner of each (customer, day) pair."""
        tenure = (self.starts[customers, 1] <= days).astype(np.int64)
        tenure += self.starts[customers, 2] <= days
        owners: Integers = self.owners[customers, tenure]
        return owners


def _shared_out(total: int, weights: Floats) -> Integers:
    """Split a whole number by weights, one each at least, the rest by largest remainder."""
    shares = weights / weights.sum() * (total - len(weights))
    whole = np.floor(shares).astype(np.int64)
    missing = total - len(weights) - int(whole.sum())
    order = np.argsort(-(shares - whole), kind="stable")
    parts: Integers = whole + 1
    parts[order[:missing]] += 1
    return parts


def _names(
    rng: np.random.Generator, region: Integers, segment: Integers, is_overseas: Flags
) -> list[str]:
    words, trades, bodies = _WORDS.split(","), _TRADES.split(","), _PUBLIC_BODIES.split(",")
    english, english_trades = _ENGLISH_WORDS.split(","), _ENGLISH_TRADES.split(",")
    draws = rng.integers(0, 1 << 30, (len(region), 3))
    names = []
    for number, (first, second, third) in enumerate(draws.tolist()):
        if is_overseas[number]:
            forms = ("GmbH", "AG", "SAS") if region[number] == 5 else ("Inc.", "LLC", "Corp.")
            trade = english_trades[second % len(english_trades)]
            names.append(f"{english[first % len(english)]} {trade} {forms[third % 3]}")
        else:
            cities = _CITIES[region[number]]
            city = cities[first % len(cities)]
            if segment[number] == _PUBLIC:
                names.append(f"{city}{bodies[second % len(bodies)]}")
            else:
                trade = trades[third % len(trades)]
                names.append(f"{city}{words[second % len(words)]}{trade}有限公司")
    return names


def make_customers(settings: Settings) -> Customers:
    """Make the customers: skewed in size, in segments and regions, of four paying habits."""
    rng = np.random.default_rng([settings.seed, 1])
    count = settings.customer_count
    number = np.arange(count)
    start, end = day_number(settings.start_date), day_number(settings.end_date)

    is_overseas = rng.random(count) < 0.22
    size = np.minimum(rng.pareto(1.25, count) + 0.15, 60.0)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = number
    segment = np.where(rank < count * 0.08, _KEY_ACCOUNT, _ENTERPRISE)
    segment = np.where(rank >= count * 0.40, _SMALL, segment)
    public = (segment == _ENTERPRISE) & ~is_overseas & (rng.random(count) < 0.25)
    segment = np.where(public, _PUBLIC, segment)
    region = rng.choice(4, count, p=[0.42, 0.26, 0.2, 0.12])
    region = np.where(is_overseas, np.where(rng.random(count) < 0.45, 5, 4), region)
    currency = np.where(is_overseas, region - 3, 0)
    currency = np.where(~is_overseas & (rng.random(count) < 0.05), 1, currency)

    # A group of companies: some small customers belong to a key account.
    parent = np.full(count, -1, dtype=np.int64)
    heads = number[(segment == _KEY_ACCOUNT) & ~is_overseas]
    members = number[(segment == _SMALL) & ~is_overseas & (rng.random(count) < 0.12)]
    if len(heads):
        parent[members] = rng.choice(heads, len(members))

    habit = rng.choice(4, count, p=[0.48, 0.36, 0.12, 0.04])
    habit = np.where(segment == _KEY_ACCOUNT, np.minimum(habit, 1), habit)
    terms = rng.choice([0, 15, 30, 60, 90], count, p=[0.03, 0.12, 0.65, 0.15, 0.05])
    terms = np.where(segment == _PUBLIC, rng.choice([60, 90], count, p=[0.7, 0.3]), terms)
    terms = np.where(segment == _KEY_ACCOUNT, rng.choice([30, 60], count, p=[0.8, 0.2]), terms)

    onboarded = start - rng.integers(150, 3000, count)
    is_new = (rng.random(count) < 0.12) & (segment != _KEY_ACCOUNT)
    onboarded = np.where(
        is_new, start + rng.integers(0, int((end - start) * 0.85), count), onboarded
    )
    # Never a key account: one failure would be the whole story of the company.
    insolvent = np.full(count, NEVER, dtype=np.int64)
    documents = _shared_out(settings.documents, size)
    weak = (segment != _KEY_ACCOUNT) & ~is_new & (documents >= np.median(documents))
    failed = rng.permutation(number[weak])[: max(2, round(count * 0.01))]
    insolvent[failed] = start + ((end - start) * rng.uniform(0.35, 0.85, len(failed))).astype(int)

    scale = np.array([2.2, 1.0, 0.28, 1.3])[segment] * np.exp(rng.normal(0, 0.35, count))
    monthly = documents / settings.months * scale * 30_000
    limit = np.maximum(np.round(monthly * 4 / 50_000), 1).astype(np.int64) * 5_000_000
    raised = rng.random(count) < 0.1
    return Customers(
        customer_id=pl.Series(
            [f"US-{100_000 + n}" if is_overseas[n] else f"{100_000 + n:010d}" for n in number]
        ),
        name=pl.Series(_names(rng, region, segment, is_overseas)),
        segment=segment,
        region=region,
        parent=parent,
        is_overseas=is_overseas,
        currency=currency,
        zone=np.where(is_overseas, region - 3, 0),
        terms=terms,
        habit=habit,
        credit_limit=limit,
        limit_changed=np.where(raised, start + rng.integers(100, end - start, count), NEVER),
        onboarded=onboarded,
        insolvent=insolvent,
        pay_weekday=rng.integers(0, 5, count),
        amount_scale=scale,
        documents=documents,
    )


def make_collectors(settings: Settings) -> Collectors:
    """Make the teams: each a manager, collectors and an assistant, and one legal desk."""
    rng = np.random.default_rng([settings.seed, 2])
    count, teams = settings.collector_count, settings.team_count
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    role = ["manager"] * teams + ["collector"] * (count - 2 * teams - 1)
    role += ["assistant"] * teams + ["legal"]
    foreign, given = _FOREIGN_NAMES.split(","), _GIVEN_NAMES.split(",")
    names = [
        foreign[number // 6 % len(foreign)]
        if number % 6 == 5
        else _SURNAMES[rng.integers(len(_SURNAMES))] + given[rng.integers(len(given))]
        for number in range(count)
    ]
    left = np.full(count, NEVER, dtype=np.int64)
    workers = np.arange(teams, count - teams - 1)
    leavers = rng.permutation(workers)[: max(1, len(workers) // 8)]
    left[leavers] = start + ((end - start) * rng.uniform(0.4, 0.85, len(leavers))).astype(int)
    cost = {"manager": 9_500, "legal": 12_000, "collector": 6_500, "assistant": 4_500}
    return Collectors(
        collector_id=pl.Series([f"K{number + 1:04d}" for number in range(count)]),
        name=pl.Series(names),
        team=pl.Series([f"TEAM-{n % teams + 1:02d}" for n in range(count - 1)] + ["LEGAL"]),
        role=pl.Series(role),
        hired=start - rng.integers(200, 2500, count),
        left=left,
        hourly_cents=np.array([cost[name] for name in role]) + rng.integers(0, 20, count) * 50,
    )


def make_portfolios(settings: Settings, customers: Customers, collectors: Collectors) -> Portfolios:
    """Give each customer an owner; some change hands at a quarter's start or when one leaves.

    The last team looks after the overseas customers.
    """
    rng = np.random.default_rng([settings.seed, 3])
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    workers = collectors.having("collector")
    abroad = (collectors.team.gather(workers) == f"TEAM-{settings.team_count:02d}").to_numpy()
    count = customers.count

    def draw(among: Integers, away: Flags) -> Integers:
        home_team, away_team = among[~away], among[away]
        home = home_team[rng.integers(0, len(home_team), count)]
        if not len(away_team):
            return home
        return np.where(
            customers.is_overseas, away_team[rng.integers(0, len(away_team), count)], home
        )

    stays = collectors.left[workers] == NEVER
    owners = np.stack(
        [draw(workers, abroad), *(draw(workers[stays], abroad[stays]) for _ in range(2))], axis=1
    )
    starts = np.full((count, 3), NEVER, dtype=np.int64)
    starts[:, 0] = np.maximum(customers.onboarded, start - 120)
    quarters = np.array([day_number(d) for d in settings.month_starts[2:] if d.month % 3 == 1])
    handover = rng.choice(quarters, count)
    moves = (rng.random(count) < 0.2) & (handover > starts[:, 0] + 20)
    starts[:, 1] = np.where(moves, handover, NEVER)
    # Whoever leaves hands over on the day after the last one.
    goes = collectors.left[owners[:, 0]] + 1
    leaves = (goes <= end) & (goes > starts[:, 0]) & (goes < starts[:, 1])
    starts[:, 1] = np.where(leaves, goes, starts[:, 1])
    gone = goes <= starts[:, 0]
    owners[:, 0] = np.where(gone, owners[:, 1], owners[:, 0])
    # A tenure that would only repeat its owner is none.
    starts[:, 1] = np.where(owners[:, 0] == owners[:, 1], NEVER, starts[:, 1])
    again = (rng.random(count) < 0.1) & (starts[:, 1] + 91 <= end)
    again &= owners[:, 1] != owners[:, 2]
    starts[:, 2] = np.where(again, starts[:, 1] + 91, NEVER)
    return Portfolios(owners=owners, starts=starts)
