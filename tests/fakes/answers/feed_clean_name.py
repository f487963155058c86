def clean_name(self, name):
    clean = " ".join(word.capitalize() for word in name.split())
    self._p_changed = True
    return clean
