try pgrehearse init new/one
try ls new/one
try head -1 new/one/scenario.yaml
try pgrehearse init new/one
try pgrehearse plan new/one/scenario.yaml
echo file >taken
try pgrehearse init taken
