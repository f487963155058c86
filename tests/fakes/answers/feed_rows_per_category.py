def rows_per_category(self):
    counts = {}
    for row in self.rows:
        counts[row["category"]] = counts.get(row["category"], 0) + 1
    self._p_changed = True
    return counts
