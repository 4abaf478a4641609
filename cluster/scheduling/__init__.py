"""The scheduler: claims jobs from the store, places them on slots, and writes down what happens."""
