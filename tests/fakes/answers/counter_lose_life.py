def lose_life(self):
    self.lives = max(0, self.lives - 1)
    self._p_changed = True
    return self.lives
