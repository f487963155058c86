def record_answer(self, correct):
    self.streak = self.streak + 1 if correct else 0
    self._p_changed = True
    return self.streak
