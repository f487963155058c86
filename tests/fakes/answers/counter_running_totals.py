def running_totals(self):
    totals = []
    total = 0
    for reading in self.readings:
        total += reading
        totals.append(total)
    self._p_changed = True
    return totals
