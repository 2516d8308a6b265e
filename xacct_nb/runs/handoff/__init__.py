"""The hand-over of one side to its owner: its runs, its files, its state."""
