def split_sku(self, sku):
    series, number = sku.split("-")
    self._p_changed = True
    return {"series": series, "number": int(number)}
