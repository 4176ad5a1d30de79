"""The door for the command line: everything that runs unattended."""
