"""What is ranked, as people read it: measures, and the entries of contests with a target in short texts."""
