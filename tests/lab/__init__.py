"""Real backends for the tests: OpenSSH servers, a Docker engine, a Kubernetes cluster, moto's EC2."""
