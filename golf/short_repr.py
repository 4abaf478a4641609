"""Settings as a person reads them: only what differs from the defaults."""

from dataclasses import MISSING, fields
from typing import Any

from golf.errors import shown


class ShortRepr:
    """Gives a dataclass a representation without the fields that have their defaults."""

    __slots__ = ()

    def __repr__(self) -> str:
        changed = []
        for field in fields(self):  # type: ignore[arg-type]  # whoever derives from this is a dataclass
            default: Any = field.default if field.default_factory is MISSING else field.default_factory()
            if (value := getattr(self, field.name)) != default:
                changed.append(f"{field.name}={shown(value)}")
        return f"{type(self).__name__}({', '.join(changed)})"
