"""The command line: a root of the standard library alone, and one file for each verb."""
