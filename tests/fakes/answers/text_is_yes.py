def is_yes(self, answer):
    accepted = answer.strip().lower() in ("y", "yes", "ok")
    self._p_changed = True
    return accepted
