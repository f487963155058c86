def average_price(self):
    prices = [row["price"] for row in self.rows]
    average = round(sum(prices) / len(prices), 2) if prices else 0.0
    self._p_changed = True
    return average
