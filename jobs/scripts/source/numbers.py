"""Arithmetic on constants, as settings have it: 16 * 1024, 2**-5, 524_288."""

import ast

from jobs.scripts.source.limits import MAX_DEPTH


def number_of(node: ast.expr, depth: int = 0) -> int | float | None:
    """The number that an expression of constants is, such as 64 * 1024; None if it is not one."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and abs(value) < 2**63:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand) if depth < MAX_DEPTH:
            inner = number_of(operand, depth + 1)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=operator, right=right) if depth < MAX_DEPTH:
            return _compute(number_of(left, depth + 1), operator, number_of(right, depth + 1))
    return None


def _compute(left: int | float | None, operator: ast.operator, right: int | float | None) -> int | float | None:
    if left is None or right is None:
        return None
    try:
        match operator:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.FloorDiv():
                return left // right
            case ast.Pow() if abs(left) <= 1024 and abs(right) <= 20:
                return float(left) ** right if right < 0 else left**right
            case ast.LShift() if isinstance(left, int) and isinstance(right, int) and 0 <= right < 40:
                return left << right
    except (ArithmeticError, ValueError):
        return None
    return None
