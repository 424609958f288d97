"""What several benches stand on: an estate of any size, a console whose paints are seen, a real terminal."""
