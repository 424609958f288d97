"""The screens: they show and ask, and never connect, block or decide. Only this folder imports textual."""
