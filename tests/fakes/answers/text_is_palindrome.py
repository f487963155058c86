def is_palindrome(self, text):
    letters = text.replace(" ", "").lower()
    self._p_changed = True
    return letters == letters[::-1]
