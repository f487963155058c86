def count_above(self, threshold):
    count = sum(1 for reading in self.readings if reading > threshold)
    self._p_changed = True
    return count
