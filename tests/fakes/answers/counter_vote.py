def vote(self, colour):
    self.votes[colour] = self.votes.get(colour, 0) + 1
    self._p_changed = True
    return self.votes[colour]
