def shorten(self, text, length):
    short = text[:length] + "..." if len(text) > length else text
    self._p_changed = True
    return short
