"""Public records: reading a folder of submission.json and logs (`reading`), and judging what it claims (`judging`)."""
