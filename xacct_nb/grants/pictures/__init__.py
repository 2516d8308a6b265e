"""Who may assume what, as a graph, its layout, and its picture."""
