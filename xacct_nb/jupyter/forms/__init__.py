"""The forms of the notebooks, and the page that is made of them."""
