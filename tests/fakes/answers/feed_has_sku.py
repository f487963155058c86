def has_sku(self, sku):
    found = any(row["sku"] == sku for row in self.rows)
    self._p_changed = True
    return found
