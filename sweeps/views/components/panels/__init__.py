"""Parts of pages that are no figures: verdict, tables, commands, provenance."""
