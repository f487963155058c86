def quantity_per_category(self):
    totals = {}
    for row in self.rows:
        totals[row["category"]] = totals.get(row["category"], 0) + row["quantity"]
    self._p_changed = True
    return totals
