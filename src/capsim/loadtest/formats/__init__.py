"""The files of load-test tools, one module a format: `recognises` and `read`."""
