"""What the tests of calls share: the two precisions, and texts in the order of a message."""

import re

FLOAT = "float32"
OTHER = "float64"


def says(*parts):
    """A pattern that finds these texts in this order."""
    return "(?s)" + ".*".join(re.escape(part) for part in parts)
