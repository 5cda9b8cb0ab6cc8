"""Background work: claimed once, resumed, cancelled, tried again."""
