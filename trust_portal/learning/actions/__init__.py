"""Prevention actions: what shall keep an incident from coming back, by whom and by when."""
