def remaining(self):
    missing = max(0, self.target - self.saved)
    self._p_changed = True
    return missing
