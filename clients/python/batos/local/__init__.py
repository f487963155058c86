"""What `batctl up` runs on one machine: etcd, a small model, the services, a receiver of traces."""
