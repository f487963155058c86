def out_of_stock(self):
    skus = [row["sku"] for row in self.rows if row["quantity"] == 0]
    self._p_changed = True
    return skus
