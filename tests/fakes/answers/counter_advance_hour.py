def advance_hour(self, hours):
    self.hour = (self.hour + hours) % 24
    self._p_changed = True
    return self.hour
