"""The flights over a ledger, whole. Law: what `flights` promises is kept once, for every ledger.

Every change is one step through the store's own lanes, so that an answer which the ledger lost is settled first.
"""

from objectstore.boarding import Boards
from objectstore.budgets import Budgets
from objectstore.core import Core
from objectstore.journals import Journals
from objectstore.setbacks import Setbacks


class LedgerFlights(Budgets, Boards, Journals, Setbacks):
    """The Flights of a store: `LedgerFlights(store.core)`."""

    def __init__(self, core: Core) -> None:
        Budgets.__init__(self, core)
        Journals.__init__(self, core)
