def toggle(self):
    self.running = not self.running
    self._p_changed = True
    return self.running
