"""The inquiry into a denial: what is asked, hop by hop, and its explanation."""
