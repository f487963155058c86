def largest_jump(self):
    jumps = [abs(after - before) for before, after in zip(self.readings, self.readings[1:], strict=False)]
    self._p_changed = True
    return max(jumps)
