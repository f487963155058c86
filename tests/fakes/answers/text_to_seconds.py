def to_seconds(self, time):
    hours, minutes, seconds = time.split(":")
    self._p_changed = True
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)
