def to_snake(self, name):
    snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
    self._p_changed = True
    return snake
