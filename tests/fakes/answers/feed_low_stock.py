def low_stock(self, limit):
    names = [row["name"] for row in self.rows if row["quantity"] < limit]
    self._p_changed = True
    return names
