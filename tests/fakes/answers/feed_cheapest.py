def cheapest(self):
    row = min(self.rows, key=lambda one: one["price"])
    self._p_changed = True
    return row["name"]
