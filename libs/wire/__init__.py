"""Translation between the kernel's words and the contract's. Admits no decision."""
