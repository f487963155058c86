def slug(self, title):
    words = title.lower().split()
    self._p_changed = True
    return "-".join(words)
