def last_readings(self, n):
    latest = self.readings[-n:]
    self._p_changed = True
    return latest
