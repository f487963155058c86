def pad_code(self, code, width):
    padded = code.zfill(width)
    self._p_changed = True
    return padded
