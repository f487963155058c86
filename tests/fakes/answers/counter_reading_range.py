def reading_range(self):
    span = max(self.readings) - min(self.readings)
    self._p_changed = True
    return span
