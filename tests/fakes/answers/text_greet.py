def greet(self, name):
    greeting = f"{self.greeting}, {name}!"
    self._p_changed = True
    return greeting
