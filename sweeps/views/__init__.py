"""Words for what people see: verdicts, certificates, status."""
