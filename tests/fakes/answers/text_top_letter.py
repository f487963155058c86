def top_letter(self, word):
    letters = sorted(word, key=lambda letter: -word.count(letter))
    self._p_changed = True
    return letters[0]
