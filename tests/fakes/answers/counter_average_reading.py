def average_reading(self):
    average = round(sum(self.readings) / len(self.readings), 2)
    self._p_changed = True
    return average
