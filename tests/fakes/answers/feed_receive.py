def receive(self, row):
    self.inbox.append(row)
    self._p_changed = True
    return len(self.inbox)
