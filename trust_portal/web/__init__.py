"""The portal and the HTTP door: server-rendered pages, events in, health. Services do the work."""
