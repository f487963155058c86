def names_by_price(self):
    names = [row["name"] for row in sorted(self.rows, key=lambda one: one["price"])]
    self._p_changed = True
    return names
