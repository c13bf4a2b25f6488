try pgrehearse --help
try pgrehearse run --help
try pgrehearse plan -h
try pgrehearse profile --help
try pgrehearse report --help
try pgrehearse compare --help
try pgrehearse score --help
try pgrehearse init --help
try pgrehearse completion --help
try pgrehearse --version
try pgrehearse --quiet -V
