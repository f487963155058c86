def count_vowels(self, text):
    count = sum(1 for letter in text.lower() if letter in "aeiou")
    self._p_changed = True
    return count
