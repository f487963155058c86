def selling_price(self, price):
    charged = round(price * (1 + self.markup / 100), 2)
    self._p_changed = True
    return charged
