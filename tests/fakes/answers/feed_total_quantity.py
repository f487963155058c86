def total_quantity(self):
    total = sum(row["quantity"] for row in self.rows)
    self._p_changed = True
    return total
