def between(self, text, left, right):
    part = text.split(left, 1)[1].split(right, 1)[0]
    self._p_changed = True
    return part
