def weeks_needed(self, per_week):
    weeks = -(-(self.target - self.saved) // per_week)
    self._p_changed = True
    return weeks
