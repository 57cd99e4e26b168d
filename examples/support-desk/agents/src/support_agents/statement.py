"""Prints how orders stand and what was done for them: a statement for whoever audits the shop.

    python -m support_agents.statement NT-20482 NT-20563

One JSON object a line. An entry that is done and not undone stands.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from support_agents.back_office import BackOffice
from support_agents.ledger import Ledger
from support_agents.settings import SettingsError, read_settings
from support_agents.shop import load_shop


def main() -> int:
    """Prints the statements; exit code 2 if there is no such order."""
    parser = argparse.ArgumentParser(prog="support_agents.statement", description=__doc__)
    parser.add_argument("numbers", nargs="+", metavar="NUMBER", help='such as "NT-20482"')
    numbers: list[str] = parser.parse_args().numbers
    try:
        settings = read_settings()
    except SettingsError as error:
        print(f"cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    shop = load_shop(settings.data_dir)
    office, ledger = BackOffice(settings.back_office), Ledger(settings.back_office)
    for number in numbers:
        order = shop.order(number)
        if order is None:
            print(f"no order {number}", file=sys.stderr)  # noqa: T201
            return 2
        entries = [asdict(entry) for entry in ledger.of_order(number)]
        statement = {"number": number, "status": office.current(order).status, "entries": entries}
        print(json.dumps(statement))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
