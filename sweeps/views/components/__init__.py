"""Parts of pages, shared by the report and the service.

Each part is a frozen class of prepared data, the function that prepares it, and a template of the same name beside it.
Markup has no inline style and no inline handler, so that a strict content security policy can serve it; `assets/` has
the one stylesheet and the one script, which files carry inside and a server serves as they are.
"""
