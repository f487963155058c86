"""batctl, the command line: one module a command group, all talk through the client library."""
