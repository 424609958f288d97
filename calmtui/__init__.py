"""calmtui: one pane of glass over clouds, Docker engines, Kubernetes clusters and SSH hosts."""

__version__ = "0.1.0"
