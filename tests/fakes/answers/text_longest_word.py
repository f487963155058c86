def longest_word(self, text):
    word = max(text.split(), key=len)
    self._p_changed = True
    return word
