"""How far some draws settle a claim that holds in each draw or does not."""

from enum import StrEnum

from capsim.metrics.intervals import Interval

_SURE = 0.9  # share of all draws in which a claim has to hold to be called so
_HALF = 0.5


class Standing(StrEnum):
    """What can be said of a claim, the sampling error of the draws allowed for."""

    SO = "so"
    PROBABLY = "probably so"
    OPEN = "not settled"
    HARDLY = "probably not so"
    NOT = "not so"


def standing(share: Interval) -> Standing:
    """Return what a share of agreeing draws says of a claim.

    Args:
        share: of the draws in which the claim holds, with the interval that so few draws leave
            open; the ends of the interval decide, so a handful of draws never settles a claim.
    """
    if share.lo >= _SURE:
        return Standing.SO
    if share.hi <= 1 - _SURE:
        return Standing.NOT
    if share.lo > _HALF:
        return Standing.PROBABLY
    return Standing.HARDLY if share.hi < _HALF else Standing.OPEN


def opposite(share: Interval) -> Interval:
    """Return the share of the draws in which a claim does not hold."""
    return Interval(median=1 - share.median, lo=1 - share.hi, hi=1 - share.lo)
