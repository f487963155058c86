def drop_empty(self, row):
    kept = {key: value for key, value in row.items() if value is not None and value != ""}
    self._p_changed = True
    return kept
