"""How dates are written where Django's own way leaves room for doubt."""
