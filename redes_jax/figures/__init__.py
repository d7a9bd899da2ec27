"""Arrays to axes: every function takes axes and arrays, draws, and returns nothing. One file a subject."""
