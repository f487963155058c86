def remember_price(self, sku, price):
    before = self.last_prices.get(sku)
    self.last_prices[sku] = price
    self._p_changed = True
    return before
