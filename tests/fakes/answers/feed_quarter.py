def quarter(self, date):
    year, month, _day = date.split("-")
    number = (int(month) - 1) // 3 + 1
    self._p_changed = True
    return f"Q{number} {year}"
