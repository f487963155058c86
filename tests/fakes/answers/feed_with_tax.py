def with_tax(self, price, rate):
    gross = round(price * (1 + rate / 100), 2)
    self._p_changed = True
    return gross
