def initials(self, name):
    letters = "".join(word[0].upper() for word in name.split())
    self._p_changed = True
    return letters
