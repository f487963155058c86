"""A ledger in etcd, 3.4 or later, over the stubs of aetcd."""
