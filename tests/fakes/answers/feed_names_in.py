def names_in(self, category):
    names = [row["name"] for row in self.rows if row["category"] == category]
    self._p_changed = True
    return names
