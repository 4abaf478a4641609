"""What `benchmarks.gpu` measures, a function each: takes sizes, gives rows of a table as plain data."""
