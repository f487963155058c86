def are_anagrams(self, first, second):
    same = sorted(first.lower()) == sorted(second.lower())
    self._p_changed = True
    return same
