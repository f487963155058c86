def parse_price(self, text):
    number = float(text.replace("€", "").replace(".", "").replace(",", ".").strip())
    self._p_changed = True
    return number
