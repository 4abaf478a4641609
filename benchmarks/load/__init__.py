"""The service under load: a large database, readers, writers and followers at once (`make load`)."""
