def swap_name(self, name):
    last, first = name.split(", ")
    self._p_changed = True
    return f"{first} {last}"
