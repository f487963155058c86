def rename_keys(self, row, names):
    renamed = {names.get(key, key): value for key, value in row.items()}
    self._p_changed = True
    return renamed
