def price_change(self, old, new):
    change = round(100 * (new - old) / old, 1)
    self._p_changed = True
    return change
