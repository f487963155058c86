def record_lap(self, seconds):
    self.laps.append(seconds)
    self._p_changed = True
    return min(self.laps)
