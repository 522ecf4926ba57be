"""Who takes part: customers, collectors, and the portfolios that tie them for a while.

Everything here is small (one row per person or customer) and held in memory as arrays, because
every block of business looks it up. Documents, payments and contacts live elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.sample.settings import NEVER, Days, Settings, day_number

Strings = npt.NDArray[np.object_]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Domestic company (CNY, a little USD) and overseas company (USD and EUR).
DOMESTIC, OVERSEAS = "1000", "2000"

#: Marks that only the sample's personal data carries, so that a leak is found by a search.
PHONE_CANARY = "+86 199-0000-"
EMAIL_CANARY = "@canary.example"

SEGMENTS = ("key_account", "enterprise", "small_business", "public_sector")
DOMESTIC_REGIONS = ("East China", "South China", "North China", "West China")
OVERSEAS_REGIONS = ("North America", "Europe")

_CITIES = (
    ("上海", "苏州", "杭州", "南京", "宁波", "合肥"),
    ("深圳", "广州", "东莞", "佛山", "厦门"),
    ("北京", "天津", "青岛", "大连", "石家庄"),
    ("成都", "重庆", "西安", "昆明", "贵阳"),
)
_WORDS = "华鑫 瑞丰 恒通 金泰 德润 嘉禾 博远 中凯 万联 宏图 信达 永盛 天成 海川 启航 安泰 东方 新锐".split()
_TRADES = "机械 电子 建材 医疗器械 汽车零部件 包装 食品 化工 物流 纺织 能源科技 自动化设备".split()
_PUBLIC = "人民医院 职业技术学院 轨道交通建设公司 市政工程管理处 自来水公司 第一中学".split()
_ENGLISH = (
    "Meridian Northgate Halcyon Redwood Keystone Bluewater Stonebridge Ashford Lindqvist "
    "Vandermeer Castell Hartmann Rossi Delacroix Whitfield Ironbark Summit Lakeshore"
).split()
_ENGLISH_TRADES = (
    "Components Tooling Logistics Medical Foods Packaging Automation Textiles Energy Chemicals"
).split()
_SURNAMES = "王 李 张 刘 陈 杨 黄 赵 周 吴 徐 孙 马 朱 胡 林 郭 何".split()
_GIVEN = "伟 芳 娜 敏 静 强 磊 军 洋 艳 勇 杰 娟 涛 明 超 秀英 桂兰 建华 晓燕".split()
_FOREIGN_PEOPLE = ("Anna Keller", "James Ortiz", "Marie Dubois", "Tom Becker", "Olivia Grant")


@dataclass(frozen=True)
class Customers:
    """One entry per customer in each array; position is the customer's number in this package."""

    customer_id: Strings
    name: Strings
    segment: Integers
    region: Strings
    parent: Integers
    company: Strings
    currency: Strings
    timezone: Strings
    terms: Integers
    grade: Integers
    credit_limit: Integers
    limit_changed: Days
    new_credit_limit: Integers
    onboarded: Days
    insolvent: Days
    phone: Strings
    email: Strings
    pay_weekday: Integers
    amount_scale: Floats
    documents: Integers

    @property
    def count(self) -> int:
        """Return the number of customers."""
        return len(self.customer_id)


@dataclass(frozen=True)
class Collectors:
    """One entry per member of the collection teams."""

    collector_id: Strings
    name: Strings
    team: Strings
    role: Strings
    hired: Days
    left: Days
    hourly_cost: Integers
    skill: Floats

    @property
    def count(self) -> int:
        """Return the number of people."""
        return len(self.collector_id)


@dataclass(frozen=True)
class Portfolios:
    """Who owned which customer when: up to three owners, in order, per customer.

    Attributes:
        owners: Collector numbers, one row per customer and one column per tenure.
        starts: First day of each tenure; ``NEVER`` where there is no such tenure.
    """

    owners: Integers
    starts: Days

    def owner_at(self, customers: Integers, days: Days) -> Integers:
        """Return the owning collector of each (customer, day) pair."""
        tenure = (self.starts[customers, 1] <= days).astype(np.int64)
        tenure += self.starts[customers, 2] <= days
        return self.owners[customers, tenure]


def _distribute(total: int, weights: Floats) -> Integers:
    """Split a whole number by weights, at least one each, remainders to the largest fractions."""
    shares = weights / weights.sum() * (total - len(weights))
    whole = np.floor(shares).astype(np.int64)
    missing = total - len(weights) - int(whole.sum())
    order = np.argsort(-(shares - whole), kind="stable")
    whole[order[:missing]] += 1
    return whole + 1


def make_customers(settings: Settings) -> Customers:
    """Make the customers: skewed in size, in segments and regions, of four paying habits."""
    rng = np.random.default_rng([settings.seed, 1])
    count = settings.customer_count
    number = np.arange(count)
    overseas = rng.random(count) < 0.22
    overseas[:2] = False
    size = np.minimum(rng.pareto(1.25, count) + 0.15, 60.0)
    size[overseas] *= 0.8
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = number
    segment = np.where(rank < count * 0.08, 0, np.where(rank < count * 0.40, 1, 2))
    segment = np.where((segment == 1) & (rng.random(count) < 0.2), 3, segment)

    region_number = rng.choice(4, count, p=[0.42, 0.26, 0.2, 0.12])
    europe = rng.random(count) < 0.45
    region = np.where(
        overseas,
        np.where(europe, OVERSEAS_REGIONS[1], OVERSEAS_REGIONS[0]),
        np.array(DOMESTIC_REGIONS)[region_number],
    ).astype(object)
    currency = np.where(overseas, np.where(europe, "EUR", "USD"), "CNY").astype(object)
    currency[~overseas & (rng.random(count) < 0.05)] = "USD"
    timezone = np.where(
        overseas, np.where(europe, "Europe/Berlin", "America/New_York"), "Asia/Shanghai"
    ).astype(object)

    city, word, trade = (rng.integers(0, 1 << 30, count) for _ in range(3))
    name = np.empty(count, dtype=object)
    for n in range(count):
        if overseas[n]:
            suffix = ("GmbH", "AG", "SAS")[n % 3] if europe[n] else ("Inc.", "LLC", "Corp.")[n % 3]
            first = _ENGLISH[word[n] % len(_ENGLISH)]
            name[n] = f"{first} {_ENGLISH_TRADES[trade[n] % len(_ENGLISH_TRADES)]} {suffix}"
        else:
            place = _CITIES[region_number[n]]
            place_name = place[city[n] % len(place)]
            if segment[n] == 3:
                name[n] = f"{place_name}{_PUBLIC[trade[n] % len(_PUBLIC)]}"
            else:
                trade_name = _TRADES[trade[n] % len(_TRADES)]
                name[n] = f"{place_name}{_WORDS[word[n] % len(_WORDS)]}{trade_name}有限公司"
    customer_id = np.array(
        [f"US-{100000 + n}" if overseas[n] else f"{100000 + n:010d}" for n in range(count)],
        dtype=object,
    )
    # A group of companies: some small customers belong to a key account of the same company.
    parent = np.full(count, -1, dtype=np.int64)
    parents = number[(segment == 0) & ~overseas]
    children = number[(segment == 2) & ~overseas & (rng.random(count) < 0.12)]
    if len(parents):
        parent[children] = rng.choice(parents, len(children))

    grade = rng.choice(4, count, p=[0.40, 0.38, 0.17, 0.05])
    grade[segment == 0] = np.minimum(grade[segment == 0], 1)
    terms = rng.choice([0, 15, 30, 60, 90], count, p=[0.03, 0.09, 0.62, 0.20, 0.06])
    terms[segment == 3] = rng.choice([60, 90], int((segment == 3).sum()), p=[0.6, 0.4])
    terms[segment == 0] = rng.choice([30, 60], int((segment == 0).sum()), p=[0.75, 0.25])

    start, end = day_number(settings.start_date), day_number(settings.end_date)
    length = end - start + 1
    onboarded = start - rng.integers(120, 3000, count)
    late = rng.random(count) < 0.12
    late[:5] = False
    onboarded[late] = start + rng.integers(0, int(length * 0.85), int(late.sum()))
    insolvent = np.full(count, NEVER, dtype=np.int64)
    # Never a key account: one failure would be the whole story of the company.
    weak = number[(segment == 2) & ~late]
    failed = weak[rng.permutation(len(weak))[: max(2, round(count * 0.007))]]
    insolvent[failed] = start + (length * rng.uniform(0.35, 0.9, len(failed))).astype(np.int64)

    amount_scale = np.array([2.2, 1.0, 0.28, 1.3])[segment] * np.exp(rng.normal(0, 0.35, count))
    monthly = size / size.sum() * settings.documents / settings.months * amount_scale * 30_000
    limit = np.maximum(np.round(monthly * 4 / 50_000), 1).astype(np.int64) * 50_000
    return Customers(
        customer_id=customer_id,
        name=name,
        segment=segment,
        region=region,
        parent=parent,
        company=np.where(overseas, OVERSEAS, DOMESTIC).astype(object),
        currency=currency,
        timezone=timezone,
        terms=terms,
        grade=grade,
        credit_limit=limit * 100,
        limit_changed=np.where(
            rng.random(count) < 0.1, start + rng.integers(60, length - 10, count), NEVER
        ),
        new_credit_limit=(limit * 5 // 4) * 100,
        onboarded=onboarded,
        insolvent=insolvent,
        phone=np.array([f"{PHONE_CANARY}{n:06d}" for n in range(count)], dtype=object),
        email=np.array([f"ap-{n:06d}{EMAIL_CANARY}" for n in range(count)], dtype=object),
        pay_weekday=rng.integers(0, 5, count),
        amount_scale=amount_scale,
        documents=_distribute(settings.documents, size),
    )


def make_collectors(settings: Settings) -> Collectors:
    """Make the collection teams: a manager each, collectors, an assistant, one legal desk."""
    rng = np.random.default_rng([settings.seed, 2])
    count = settings.collector_count
    number = np.arange(count)
    team_count = max(2, count // 8)
    team = np.array([f"TEAM-{n % team_count + 1:02d}" for n in range(count)], dtype=object)
    role = np.full(count, "collector", dtype=object)
    role[:team_count] = "manager"
    role[count - 1] = "legal"
    role[count - 1 - team_count : count - 1] = "assistant"
    team[count - 1] = "LEGAL"
    names = [
        _FOREIGN_PEOPLE[n // 6 % len(_FOREIGN_PEOPLE)]
        if n % 6 == 5
        else _SURNAMES[int(rng.integers(len(_SURNAMES)))] + _GIVEN[int(rng.integers(len(_GIVEN)))]
        for n in range(count)
    ]
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    hired = start - rng.integers(200, 2500, count)
    left = np.full(count, NEVER, dtype=np.int64)
    workers = number[role == "collector"]
    leavers = workers[rng.permutation(len(workers))[: max(1, len(workers) // 10)]]
    left[leavers] = start + ((end - start) * rng.uniform(0.4, 0.85, len(leavers))).astype(np.int64)
    cost = np.array(
        [{"manager": 9500, "legal": 12000, "assistant": 4500}.get(r, 6500) for r in role]
    )
    return Collectors(
        collector_id=np.array([f"K{n + 1:04d}" for n in range(count)], dtype=object),
        name=np.array(names, dtype=object),
        team=team,
        role=role,
        hired=hired,
        left=left,
        hourly_cost=cost + rng.integers(0, 20, count) * 50,
        skill=rng.normal(0, 0.1, count),
    )


def make_portfolios(settings: Settings, customers: Customers, collectors: Collectors) -> Portfolios:
    """Give each customer an owner; some change hands at a quarter's start or when one leaves."""
    rng = np.random.default_rng([settings.seed, 3])
    workers = np.flatnonzero(collectors.role == "collector")
    staying = workers[collectors.left[workers] == NEVER]
    count = customers.count
    start = day_number(settings.start_date)
    owners = np.empty((count, 3), dtype=np.int64)
    starts = np.full((count, 3), NEVER, dtype=np.int64)
    owners[:, 0] = workers[rng.integers(0, len(workers), count)]
    owners[:, 1] = staying[rng.integers(0, len(staying), count)]
    owners[:, 2] = staying[rng.integers(0, len(staying), count)]
    starts[:, 0] = np.maximum(customers.onboarded, start - 120)
    quarters = np.array(
        [
            day_number(day)
            for day in settings.month_starts
            if day.month % 3 == 1 and day_number(day) > start + 30
        ]
    )
    moved = (rng.random(count) < 0.22) & (owners[:, 0] != owners[:, 1])
    handover = rng.choice(quarters, count)
    moved &= handover > starts[:, 0] + 20
    starts[moved, 1] = handover[moved]
    # Whoever leaves hands over on the day after the last one.
    leaving = collectors.left[owners[:, 0]]
    first = (leaving != NEVER) & (starts[:, 1] > leaving + 1) & (leaving + 1 > starts[:, 0])
    starts[first, 1] = leaving[first] + 1
    starts[first, 2] = NEVER
    born_later = (leaving != NEVER) & (leaving + 1 <= starts[:, 0])
    owners[born_later, 0] = owners[born_later, 1]
    starts[born_later, 1] = NEVER
    again = (starts[:, 1] != NEVER) & (rng.random(count) < 0.1)
    again &= owners[:, 1] != owners[:, 2]
    second = starts[:, 1] + 91
    again &= second < day_number(settings.end_date)
    starts[again, 2] = second[again]
    return Portfolios(owners=owners, starts=starts)
