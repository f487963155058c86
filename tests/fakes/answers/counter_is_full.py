def is_full(self):
    full = self.visitors >= self.seats
    self._p_changed = True
    return full
