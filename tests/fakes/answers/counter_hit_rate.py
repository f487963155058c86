def hit_rate(self):
    rate = round(100 * self.hits / (self.hits + self.misses), 1)
    self._p_changed = True
    return rate
