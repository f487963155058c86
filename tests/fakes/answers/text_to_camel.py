def to_camel(self, name):
    first, *rest = name.split("_")
    self._p_changed = True
    return first + "".join(word.capitalize() for word in rest)
