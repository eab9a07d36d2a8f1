"""May they? Admission: tiers, quotas, policies."""
