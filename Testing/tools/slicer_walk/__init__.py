"""Walks through our panels in the application, and what they need: pictures, pixels, dialogs, a heartbeat."""
