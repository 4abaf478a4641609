"""What `benchmarks.gpu` measures, a function each: takes sizes, returns rows of a table as plain data."""
