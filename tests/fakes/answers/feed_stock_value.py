def stock_value(self):
    value = round(sum(row["price"] * row["quantity"] for row in self.rows), 2)
    self._p_changed = True
    return value
