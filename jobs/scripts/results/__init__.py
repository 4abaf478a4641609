"""What a script leaves: outputs, its metric, log files, and scores of documents."""
