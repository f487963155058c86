def mask_email(self, email):
    name, host = email.split("@")
    self._p_changed = True
    return f"{name[0]}***@{host}"
