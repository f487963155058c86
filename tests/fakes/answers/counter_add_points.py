def add_points(self, points):
    self.score += points
    self._p_changed = True
    return self.score
