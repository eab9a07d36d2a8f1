"""What each tier may have. The free tier's three a day are the customer's figure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from data.words import Tier

#: Pictures per UTC day.
DAILY: Mapping[Tier, int] = MappingProxyType(
    {
        Tier.FREE: 3,
        Tier.PLUS: 50,
        Tier.PRO: 200,
        Tier.TEAM: 200,
        Tier.ENTERPRISE: 1000,
        Tier.EDU: 100,
    }
)
