"""One run from its order to its record: what the cells of a notebook call, and what is around them."""
