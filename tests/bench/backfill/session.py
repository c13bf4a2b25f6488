"""A psql session that a program drives: Session().execute(SQL) returns its rows as lists of texts. PSQL names the program."""
import os, subprocess, sys


class Failed(Exception):
    """The server's message, with its SQLSTATE in front."""


class Session:
    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ.get("PSQL", "psql"), "-X", "-q", "-At", "-F", "\t", "-v", "VERBOSITY=verbose"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def execute(self, sql):
        self.process.stdin.write(sql + ";\n\\echo =end :ERROR :SQLSTATE :ROW_COUNT\n")
        self.process.stdin.flush()
        rows, failure = [], []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith("=end "):
                word = line.split(" ")
                self.count = int(word[3]) if word[3].isdigit() else 0
                if word[1] == "true":
                    raise Failed(word[2] + " " + " ".join(failure)[:200])
                return rows
            if line.startswith(("ERROR:", "FATAL:", "LINE ", "DETAIL:", "HINT:", "LOCATION:", "CONTEXT:", "psql:")):
                failure.append(line)
            else:
                rows.append(line.split("\t"))
        sys.exit("the connection was lost")
