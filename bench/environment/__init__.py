"""What a measurement needs around it: servers, settings, tools, interpreters."""
