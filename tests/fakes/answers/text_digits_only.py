def digits_only(self, text):
    digits = "".join(letter for letter in text if letter.isdigit())
    self._p_changed = True
    return digits
