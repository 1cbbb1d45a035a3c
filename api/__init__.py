"""The street door: HTTP in, HTTP out; what a till or a browser says becomes a command."""
