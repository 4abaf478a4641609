"""Random hostile input, seeded: each module feeds a part of the program, for as long as FUZZ_SECONDS says."""
