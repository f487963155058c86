def word_counts(self, text):
    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    self._p_changed = True
    return counts
