"""From a denial to its ranked causes."""
