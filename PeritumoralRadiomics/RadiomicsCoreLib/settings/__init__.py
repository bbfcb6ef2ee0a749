"""Settings from words and files: rules that name the wrong value, lists of numbers, YAML."""
