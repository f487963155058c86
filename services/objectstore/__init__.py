"""The objectstore: objects, method versions and commits, kept in etcd."""
