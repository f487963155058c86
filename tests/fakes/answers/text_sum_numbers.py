def sum_numbers(self, text):
    total = sum(int(word) for word in text.split() if word.isdigit())
    self._p_changed = True
    return total
