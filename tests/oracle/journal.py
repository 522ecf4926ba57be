"""The movements of every balance: what each document and payment does, when, and to which item.

Here: matching of payments, memos, write-offs, adjustments and recoveries to documents; reversals;
installments; the signs. Not here: summing the movements up (``balances``).

An *item* is a thing with a balance: an installment of a document, or a payment line (its balance
is the cash not yet applied). The journal of one instant of knowledge is made from the documents
and payments in force at that instant and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, localcontext

from tests.oracle.arithmetic import round_money
from tests.oracle.conversion import Rates
from tests.oracle.inputs import Extracts, Parameters
from tests.oracle.versions import Document, Payment, documents, payments

ZERO = Decimal("0.00")
RECEIVABLE_TYPES = ("invoice", "debit_memo", "opening_balance")
RECOVERY_TYPES = ("recovery_reinstatement", "recovery")


@dataclass(frozen=True, order=True)
class Item:
    """A thing with a balance."""

    company_code: str
    item_type: str
    document_id: str
    installment_no: int


@dataclass(frozen=True)
class ItemFacts:
    """What an item is, apart from its balance."""

    item: Item
    customer_id: str
    document_type: str
    document_date: date
    due_date: date
    currency_code: str
    booked_amount: Decimal


@dataclass(frozen=True)
class Movement:
    """One movement of one item's balance; a positive amount is owed to us."""

    item: Item
    customer_id: str
    movement_type: str
    effective_date: date
    currency_code: str
    amount_document: Decimal
    amount: Decimal | None
    source_type: str
    source_id: str
    source_line_no: int


@dataclass(frozen=True)
class Event:
    """Something done to a whole document, before it is shared out over its installments.

    ``reduction`` is positive when it lowers the balance. ``installment_no`` is the installment that
    the event names, if any.
    """

    movement_type: str
    effective_date: date
    reduction: Decimal
    installment_no: int | None
    source_type: str
    source_id: str
    source_line_no: int
    rank: int = 0
    amount_reporting: Decimal | None = None


@dataclass(frozen=True)
class Flag:
    """Something accepted that a person should look at."""

    company_code: str
    source_type: str
    source_id: str
    source_line_no: int
    exception_code: str


@dataclass(frozen=True, eq=False)
class Journal:
    """All movements as known at one instant, the items they belong to, and what was flagged.

    A journal is itself and no other (``eq=False``), so that its balances can be remembered.
    """

    movements: Sequence[Movement]
    items: Mapping[Item, ItemFacts]
    flags: Sequence[Flag]


def journal(
    extracts: Extracts, parameters: Parameters, known_at: datetime | None = None
) -> Journal:
    """Make the journal as known at an instant (the run's own, when none is given).

    Rates are those known at the run's instant whichever instant is asked for: a restated rate is
    not a restated document.
    """
    instant = known_at or parameters.known_at
    rates = Rates(
        extracts.fx_rates,
        known_at=parameters.known_at,
        reporting_currency=parameters.reporting_currency,
    )
    book = _Book(documents(extracts, instant), payments(extracts, instant), rates)
    book.write_documents()
    book.write_payments()
    book.write_reversals()
    book.share_out()
    return Journal(book.movements, book.items, book.flags)


class _Book:
    """The journal while it is being written."""

    def __init__(
        self, known_documents: list[Document], known_payments: list[Payment], rates: Rates
    ) -> None:
        self.rates = rates
        self.documents = known_documents
        self.payments = known_payments
        self.movements: list[Movement] = []
        self.items: dict[Item, ItemFacts] = {}
        self.flags: list[Flag] = []
        self.events: dict[tuple[str, str], list[Event]] = {}
        self.targets = self._find_targets()

    # -- what may be paid ---------------------------------------------------------------------

    def _find_targets(self) -> dict[tuple[str, str], list[Document]]:
        """The documents that payments and credits can be set against, installments in due order.

        Invoices, debit memos, opening balances, and adjustments that name no document.
        """
        targets: dict[tuple[str, str], list[Document]] = {}
        for document in self.documents:
            if document.document_type in RECEIVABLE_TYPES:
                targets.setdefault((document.company_code, document.document_id), []).append(
                    document
                )
        standing_alone = [
            document
            for document in self.documents
            if document.document_type == "adjustment" and document.applies_to_document_id is None
        ]
        for document in standing_alone:
            targets.setdefault((document.company_code, document.document_id), []).append(document)
        for installments in targets.values():
            installments.sort(key=lambda d: (d.due_date, d.installment_no))
        return targets

    def match(
        self, company_code: str, document_id: str | None, currency_code: str
    ) -> list[Document]:
        """The installments of the document that is named, or none when it does not match."""
        if document_id is None:
            return []
        installments = self.targets.get((company_code, document_id), [])
        return installments if _has_currency(installments, currency_code) else []

    def flag_mismatch(
        self,
        company_code: str,
        document_id: str | None,
        source: tuple[str, str, int],
    ) -> None:
        """Note why a document that is named was not matched."""
        if document_id is None:
            return
        exists = (company_code, document_id) in self.targets
        code = "currency_mismatch" if exists else "unknown_document"
        self.flags.append(Flag(company_code, *source, code))

    # -- ledger -------------------------------------------------------------------------------

    def write_documents(self) -> None:
        """Book every ledger row: on its own item, or on the document it is set against."""
        for document in self.documents:
            kind = document.document_type
            target = []
            if kind in ("credit_memo", "write_off", "recovery", "adjustment"):
                target = self.match(
                    document.company_code,
                    document.applies_to_document_id,
                    document.currency_code,
                )
                target = [d for d in target if d.document_id != document.document_id]
                if not target:
                    self.flag_mismatch(
                        document.company_code,
                        document.applies_to_document_id,
                        ("ledger", document.document_id, document.installment_no),
                    )
            if kind in RECEIVABLE_TYPES:
                self._own(document, kind, document.amount)
            elif kind == "adjustment":
                if target:
                    self._set_against(document, target, kind, -document.amount)
                else:
                    self._own(document, kind, document.amount)
            elif kind == "write_off":
                if target:
                    self._set_against(document, target, kind, document.amount)
                else:
                    self._own(document, kind, -document.amount)
            elif kind == "recovery":
                # Cash for something already written off: the receivable is put back and paid.
                if target:
                    self._set_against(document, target, "recovery_reinstatement", -document.amount)
                    self._set_against(document, target, "recovery", document.amount)
                else:
                    self._own(document, "recovery_reinstatement", document.amount)
                    self._own(document, "recovery", -document.amount)
            elif kind == "credit_memo":
                self._credit_memo(document, target)

    def _credit_memo(self, memo: Document, target: list[Document]) -> None:
        if not target:
            self._own(memo, "credit_memo", -memo.amount)
            return
        effective_date = max(memo.document_date, target[0].document_date)
        if effective_date == memo.document_date:
            self._set_against(memo, target, "credit_memo", memo.amount)
            return
        self._own(memo, "credit_memo", -memo.amount)
        self._move(
            self.items[_item_of(memo)],
            "credit_application",
            effective_date,
            memo.amount,
            ("ledger", memo.document_id, memo.installment_no),
            fallback=target[0],
        )
        self._set_against(memo, target, "credit_application", memo.amount, is_transfer=True)

    def _own(self, document: Document, movement_type: str, amount: Decimal) -> None:
        """A movement of the ledger row's own item, at its own date, at its booked value."""
        item = _item_of(document)
        self.items[item] = ItemFacts(
            item=item,
            customer_id=document.customer_id,
            document_type=document.document_type,
            document_date=document.document_date,
            due_date=document.due_date,
            currency_code=document.currency_code,
            booked_amount=amount,
        )
        if amount == 0:
            return
        if document.amount_reporting is not None:
            is_turned = (amount > 0) != (document.amount > 0)
            converted: Decimal | None = (
                -document.amount_reporting if is_turned else document.amount_reporting
            )
        else:
            converted = self.rates.convert(amount, document.currency_code, document.document_date)
        self.movements.append(
            Movement(
                item=item,
                customer_id=document.customer_id,
                movement_type=movement_type,
                effective_date=document.document_date,
                currency_code=document.currency_code,
                amount_document=amount,
                amount=converted,
                source_type="ledger",
                source_id=document.document_id,
                source_line_no=document.installment_no,
            )
        )

    def _set_against(
        self,
        document: Document,
        target: list[Document],
        movement_type: str,
        reduction: Decimal,
        *,
        is_transfer: bool = False,
    ) -> None:
        """A ledger row that moves another document's balance."""
        effective_date = max(document.document_date, target[0].document_date)
        booked = None if is_transfer else document.amount_reporting
        self.event(
            target,
            Event(
                movement_type=movement_type,
                effective_date=effective_date,
                reduction=reduction,
                installment_no=None,
                source_type="ledger",
                source_id=document.document_id,
                source_line_no=document.installment_no,
                amount_reporting=booked,
            ),
        )

    # -- cash ---------------------------------------------------------------------------------

    def application_date(self, payment: Payment, target: list[Document]) -> date:
        """The day on which a payment counts against its document.

        Source: measures, section 2 (an application is effective on the later of both dates).
        """
        days = [payment.payment_date, target[0].document_date]
        if payment.application_date is not None:
            days.append(payment.application_date)
        return max(days)

    def payment_item(self, payment: Payment) -> Item:
        """The item that holds a payment line's cash while it is not applied."""
        item = Item(payment.company_code, "payment", payment.payment_id, payment.line_no)
        self.items[item] = ItemFacts(
            item=item,
            customer_id=payment.customer_id,
            document_type="payment",
            document_date=payment.payment_date,
            due_date=payment.payment_date,
            currency_code=payment.currency_code,
            booked_amount=-payment.amount,
        )
        return item

    def write_payments(self) -> None:
        """Book every payment line: on its document, or as unapplied cash until it is applied."""
        for payment in self.payments:
            if payment.reverses_payment_id is not None:
                continue
            source = ("payments", payment.payment_id, payment.line_no)
            target = self.match(payment.company_code, payment.document_id, payment.currency_code)
            if not target:
                self.flag_mismatch(payment.company_code, payment.document_id, source)
                facts = self.items[self.payment_item(payment)]
                self._move(facts, "payment", payment.payment_date, -payment.amount, source)
                continue
            effective_date = self.application_date(payment, target)
            kind = "payment"
            if effective_date != payment.payment_date:
                kind = "application"
                facts = self.items[self.payment_item(payment)]
                for movement_type, day, amount in (
                    ("payment", payment.payment_date, -payment.amount),
                    ("application", effective_date, payment.amount),
                ):
                    self._move(facts, movement_type, day, amount, source, fallback=target[0])
            event = Event(kind, effective_date, payment.amount, payment.installment_no, *source)
            self.event(target, event)
            if payment.discount_amount != 0:
                self.event(
                    target,
                    replace(
                        event,
                        movement_type="discount",
                        reduction=payment.discount_amount,
                        rank=1,
                    ),
                )

    def write_reversals(self) -> None:
        """Book bounced and reversed payments: back onto what the payment had settled.

        A reversal that names a document goes back onto that document. Any other takes back the
        lines of the payment from the last to the first, each up to what is left of it after the
        reversals before; what exceeds the payment, or reverses an unknown one, stays on the
        reversal's own item. Only lines in the reversal's currency are taken back. A discount that
        the reversal bears comes back with its first piece.
        """
        reversals = [p for p in self.payments if p.reverses_payment_id is not None]
        reversals.sort(key=lambda p: (p.payment_date, p.payment_id, p.line_no))
        lines_of: dict[tuple[str, str | None], list[Payment]] = {}
        for payment in self.payments:
            if payment.reverses_payment_id is None:
                lines_of.setdefault((payment.company_code, payment.payment_id), []).append(payment)
        left: dict[tuple[str, str, int], Decimal] = {}
        for reversal in reversals:
            lines = [
                line
                for line in lines_of.get((reversal.company_code, reversal.reverses_payment_id), [])
                if line.currency_code == reversal.currency_code
            ]
            lines.sort(key=lambda line: line.line_no, reverse=True)
            rest = abs(reversal.amount)
            discount = abs(reversal.discount_amount)
            if reversal.document_id is not None:
                settled = [line for line in lines if line.document_id == reversal.document_id]
                undone = next(iter(settled or lines), None)
                self._reverse(reversal, undone, reversal.document_id, rest, discount)
                continue
            for line in lines:
                key = (line.company_code, line.payment_id, line.line_no)
                part = min(rest, left.setdefault(key, abs(line.amount)))
                left[key] -= part
                rest -= part
                if part:
                    self._reverse(reversal, line, line.document_id, part, discount)
                    discount = ZERO
            if rest:
                self._reverse(reversal, None, None, rest, ZERO)

    def _reverse(
        self,
        reversal: Payment,
        line: Payment | None,
        document_id: str | None,
        amount: Decimal,
        discount: Decimal,
    ) -> None:
        """Take an amount back: from a document, or from the cash that the line left unapplied.

        It takes effect on the day of the reversal, but not before what it undoes.
        """
        source = ("payments", reversal.payment_id, reversal.line_no)
        if line is None:
            self.flags.append(Flag(reversal.company_code, *source, "unknown_reversed_payment"))
        target = self.match(reversal.company_code, document_id, reversal.currency_code)
        if not target:
            self.flag_mismatch(reversal.company_code, document_id, source)
            facts = self.items[self.payment_item(line or reversal)]
            self._move(facts, "payment_reversal", reversal.payment_date, amount, source)
            return
        days = [reversal.payment_date, target[0].document_date]
        installment_no = reversal.installment_no
        if line is not None:
            days.append(self.application_date(line, target))
            if installment_no is None and line.document_id == document_id:
                installment_no = line.installment_no
        event = Event("payment_reversal", max(days), -amount, installment_no, *source)
        self.event(target, event)
        if discount:
            self.event(
                target, replace(event, movement_type="discount", reduction=-discount, rank=1)
            )

    def _move(
        self,
        facts: ItemFacts,
        movement_type: str,
        effective_date: date,
        amount: Decimal,
        source: tuple[str, str, int],
        fallback: Document | None = None,
    ) -> None:
        """A movement of an item that is not shared out."""
        if amount == 0:
            return
        self.movements.append(
            Movement(
                item=facts.item,
                customer_id=facts.customer_id,
                movement_type=movement_type,
                effective_date=effective_date,
                currency_code=facts.currency_code,
                amount_document=amount,
                amount=self._converted(amount, facts.currency_code, effective_date, fallback),
                source_type=source[0],
                source_id=source[1],
                source_line_no=source[2],
            )
        )

    def _converted(
        self, amount: Decimal, currency_code: str, day: date, target: Document | None
    ) -> Decimal | None:
        """At the day's rate; without one, at the ratio at which the target was booked, if known.

        For the unapplied side of a document in installments, the first due speaks for it.
        """
        converted = self.rates.convert(amount, currency_code, day)
        if converted is None and target is not None and target.amount_reporting is not None:
            return _in_proportion(amount, target.amount_reporting, target.amount)
        return converted

    # -- installments -------------------------------------------------------------------------

    def event(self, target: list[Document], event: Event) -> None:
        """Keep an event until all events of its document are known."""
        key = (target[0].company_code, target[0].document_id)
        self.events.setdefault(key, []).append(event)

    def share_out(self) -> None:
        """Share every document's events out over its installments.

        An event that names an installment goes to it. The others fill, first due first, what the
        named ones leave of each installment, in order of effective date; what exceeds the document
        falls on the last installment, what falls below nothing on the first. A recovery, which
        puts back and pays the same amount, stands on the last installment as a whole.

        Source: measures, section 2 (installments: first in, first out by due date).
        """
        for key, events in self.events.items():
            installments = self.targets[key]
            numbers = {d.installment_no for d in installments}
            recoveries = [e for e in events if e.movement_type in RECOVERY_TYPES]
            named = [e for e in events if e.installment_no in numbers]
            unnamed = [e for e in events if e.installment_no not in numbers and e not in recoveries]
            for event in recoveries:
                self._move_document(installments[-1], event, event.reduction)
            if len(installments) == 1:
                named, unnamed = [], [e for e in events if e not in recoveries]
            for event in named:
                (document,) = [d for d in installments if d.installment_no == event.installment_no]
                self._move_document(document, event, event.reduction)
            capacities = [
                max(
                    document.amount
                    - sum(
                        (e.reduction for e in named if e.installment_no == document.installment_no),
                        ZERO,
                    ),
                    ZERO,
                )
                for document in installments
            ]
            unnamed.sort(
                key=lambda e: (
                    e.effective_date,
                    e.reduction < 0,
                    e.source_type,
                    e.source_id,
                    e.source_line_no,
                    e.rank,
                )
            )
            before = ZERO
            for event in unnamed:
                after = before + event.reduction
                shares = [
                    now - then
                    for now, then in zip(
                        filled(after, capacities), filled(before, capacities), strict=True
                    )
                ]
                for document, share in zip(installments, shares, strict=True):
                    self._move_document(document, event, share)
                before = after

    def _move_document(self, document: Document, event: Event, reduction: Decimal) -> None:
        if reduction == 0:
            return
        if event.amount_reporting is not None:
            converted: Decimal | None = _in_proportion(
                -reduction, abs(event.amount_reporting), abs(event.reduction)
            )
        else:
            converted = self._converted(
                -reduction, document.currency_code, event.effective_date, document
            )
        self.movements.append(
            Movement(
                item=_item_of(document),
                customer_id=document.customer_id,
                movement_type=event.movement_type,
                effective_date=event.effective_date,
                currency_code=document.currency_code,
                amount_document=-reduction,
                amount=converted,
                source_type=event.source_type,
                source_id=event.source_id,
                source_line_no=event.source_line_no,
            )
        )


def filled(total: Decimal, capacities: Sequence[Decimal]) -> list[Decimal]:
    """How far a running total fills a row of installments.

    Examples:
        >>> [str(x) for x in filled(Decimal(15), [Decimal(10), Decimal(10)])]
        ['10', '5']
        >>> [str(x) for x in filled(Decimal(25), [Decimal(10), Decimal(10)])]
        ['10', '15']
        >>> [str(x) for x in filled(Decimal(-5), [Decimal(10), Decimal(10)])]
        ['-5', '0.00']
    """
    if total < 0:
        return [total, *[ZERO for _ in capacities[1:]]]
    fills = []
    rest = total
    for capacity in capacities:
        fill = min(rest, capacity)
        fills.append(fill)
        rest -= fill
    fills[-1] += rest
    return fills


def _in_proportion(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return round_money(amount * part / whole)


def _has_currency(installments: Iterable[Document], currency_code: str) -> bool:
    return any(document.currency_code == currency_code for document in installments)


def _item_of(document: Document) -> Item:
    return Item(document.company_code, "document", document.document_id, document.installment_no)
