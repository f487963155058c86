def unique_words(self, text):
    words = []
    for word in text.split():
        if word not in words:
            words.append(word)
    self._p_changed = True
    return words
