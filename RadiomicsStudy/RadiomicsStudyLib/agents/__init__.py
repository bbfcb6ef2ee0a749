"""The verbs as tools for assistants: a server of the Model Context Protocol that works inside one folder."""
