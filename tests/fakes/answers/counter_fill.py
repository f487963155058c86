def fill(self, litres):
    self.level = min(self.capacity, self.level + litres)
    self._p_changed = True
    return self.level
