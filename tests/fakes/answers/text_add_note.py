def add_note(self, note):
    self.notes.append(note)
    self._p_changed = True
    return "; ".join(self.notes)
