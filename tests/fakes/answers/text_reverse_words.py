def reverse_words(self, text):
    words = text.split()
    self._p_changed = True
    return " ".join(words[::-1])
