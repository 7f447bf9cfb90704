"""The last application to get ready: what was loaded until then stays for as long as the process."""
