"""Judge a scorer from outside: by what it returns, never by what it says of itself."""

from golf.audit.auditor import audit
from golf.audit.certificate import Certificate, Finding

__all__ = ["Certificate", "Finding", "audit"]
