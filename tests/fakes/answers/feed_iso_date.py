def iso_date(self, text):
    day, month, year = text.split(".")
    self._p_changed = True
    return f"{year}-{month}-{day}"
