def take_ticket(self):
    ticket = self.next_ticket
    self.next_ticket = ticket + 1
    self._p_changed = True
    return ticket
