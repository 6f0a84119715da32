"""One module per command line command; each has `run(arguments) -> exit code`.

`__main__` loads only the one that is asked for, so that serving never loads the migration tools.
"""
