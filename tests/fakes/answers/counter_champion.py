def champion(self):
    name = max(self.medals, key=lambda who: self.medals[who])
    self._p_changed = True
    return name
