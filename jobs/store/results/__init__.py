"""What came of the work: trials and imported records."""
