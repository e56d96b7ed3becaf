"""What FOCUS requires of a row of token spend, written down from the specification's text.

https://focus.finops.org/focus-specification/v1-2/ and /v1-4/: the columns that must be there, those
that must have a value, the values allowed, the sums that must agree. Shares no code with tokman.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

SELLERS = {
    "1.2": {"ProviderName", "PublisherName"},
    "1.4": {"HostProviderName", "ServiceProviderName"},
}
PRESENT = set(
    "BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd "
    "BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargePeriodEnd "
    "ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName ListCost PricingQuantity "
    "PricingUnit ServiceCategory ServiceName".split()
)
NOT_NULL = PRESENT - set("BillingAccountName ChargeClass PricingQuantity PricingUnit".split())
OF_USAGE = set(
    "ChargeFrequency ConsumedQuantity ConsumedUnit ListUnitPrice PricingCategory PricingQuantity "
    "PricingUnit SkuId SkuMeter SkuPriceDetails SkuPriceId".split()
)
ALLOWED = {
    "ChargeCategory": {"Usage", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"", "One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
    "BillingCurrency": {"USD"},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
UNIT = re.compile(r"(\d+ )?(Tokens|Requests)")


def faults(header: list[str], rows: list[dict[str, str]], version: str) -> list[str]:
    """Everything that is wrong, in words; cells are the texts of a CSV, empty for null."""
    found = [f"{name} is missing" for name in (PRESENT | SELLERS[version]) - set(header)]
    other = SELLERS["1.4" if version == "1.2" else "1.2"]
    found += [f"{name} is not of {version}" for name in other & set(header)]
    own = [name.startswith("x_") for name in header]
    found += ["custom columns do not come last"] if own != sorted(own) else []
    skus: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        found += [f"row {number}: {fault}" for fault in _row(row, version)]
        if row["SkuPriceId"] and skus.setdefault(row["SkuPriceId"], row["SkuId"]) != row["SkuId"]:
            found.append(f"row {number}: a SkuPriceId of two SkuIds")
    return found


def _row(row: dict[str, str], version: str) -> list[str]:
    usage = row["ChargeCategory"] == "Usage"
    needed = NOT_NULL | SELLERS[version] | (OF_USAGE if usage else set())
    found = [f"{name} is null" for name in needed if not row[name]]
    found += [
        f"{name} is {row[name]!r}" for name, values in ALLOWED.items() if row[name] not in values
    ]
    for name, cell in row.items():
        if cell and re.search(r"Period(Start|End)$", name) and not TIME.fullmatch(cell):
            found.append(f"{name} is no time")
        if cell and re.search(r"(Cost|Quantity|Price)$", name) and not NUMBER.fullmatch(cell):
            found.append(f"{name} is no number")
        if cell and name in ("PricingUnit", "ConsumedUnit") and not UNIT.fullmatch(cell):
            found.append(f"{name} is no unit")
    if not row["BillingPeriodStart"] < row["BillingPeriodEnd"]:
        found.append("the billing period is empty")
    if not row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]:
        found.append("the charge is outside the billing period")
    if not usage and row["ConsumedQuantity"]:
        found.append("a quantity consumed without use")
    if usage:
        listed = Decimal(row["PricingQuantity"]) * Decimal(row["ListUnitPrice"])
        found += [] if listed == Decimal(row["ListCost"]) else ["quantity × price is not the cost"]
    if bool(row["SubAccountId"]) != bool(row["SubAccountName"]):
        found.append("a sub account without a name")
    tags, details = json.loads(row["Tags"]), json.loads(row["SkuPriceDetails"] or "{}")
    if not all(isinstance(each, str | int | None) for each in (*tags.values(), *details.values())):
        found.append("a property that is no scalar")
    return found
