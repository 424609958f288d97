"""What is declared: estate files, their validation with file and line, and discovery when there are none."""
