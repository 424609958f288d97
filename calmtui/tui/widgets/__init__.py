"""Small parts of screens: each draws and reports."""
