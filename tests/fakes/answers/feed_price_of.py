def price_of(self, sku):
    price = None
    for row in self.rows:
        if row["sku"] == sku:
            price = row["price"]
            break
    self._p_changed = True
    return price
