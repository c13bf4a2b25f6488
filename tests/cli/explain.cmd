# The page of a rule, and what is said of one that does not exist.
try sh -c 'pgrehearse explain truncate | head -12'
try pgrehearse explain renam
try pgrehearse explain
