def censor(self, text):
    words = ["***" if word in self.banned else word for word in text.split(" ")]
    self._p_changed = True
    return " ".join(words)
