"""Audit a scorer as a black box: by the losses it returns, never by what it says about itself."""

from golf.audit.auditor import audit
from golf.audit.certificate import Certificate, Finding

__all__ = ["Certificate", "Finding", "audit"]
