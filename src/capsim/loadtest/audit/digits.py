"""How exactly a number was written down."""

from decimal import Decimal


def half_step(value: float) -> float:
    """Return half a unit of the last decimal: 0.005 of 187.54, 0.5 of 300.

    What was rounded to these digits lies within so much of what is written.
    """
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    places = min(int(exponent), 0)
    return 0.5 * 10.0**places
