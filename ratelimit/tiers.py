"""What each tier may have, unless the operator has said otherwise (`python -m ratelimit tiers`).

The free tier's three a day are the customer's figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from data.words import Effort, Terms, Tier

TERMS: Mapping[Tier, Terms] = MappingProxyType(
    {
        Tier.FREE: Terms(
            daily=3,
            burst=3,
            every=10.0,
            in_hand=3,
            weight=1,
            floor=Effort(steps=0.5, size=0.5),
            wait=600.0,
        ),
        Tier.PLUS: Terms(
            daily=50,
            burst=12,
            every=5.0,
            in_hand=12,
            weight=4,
            floor=Effort(steps=0.75, size=0.75),
            wait=120.0,
        ),
        Tier.PRO: Terms(daily=200, burst=24, every=2.0, in_hand=24, weight=16, wait=60.0),
        Tier.TEAM: Terms(daily=200, burst=24, every=2.0, in_hand=24, weight=16, wait=60.0),
        Tier.ENTERPRISE: Terms(daily=1000, burst=64, every=1.0, in_hand=64, weight=16, wait=60.0),
        Tier.EDU: Terms(
            daily=100,
            burst=12,
            every=5.0,
            in_hand=12,
            weight=4,
            floor=Effort(steps=0.75, size=0.75),
            wait=120.0,
        ),
    }
)

#: Pictures per UTC day.
DAILY: Mapping[Tier, int] = MappingProxyType({tier: TERMS[tier].daily for tier in TERMS})
