pgrehearse completion bash >completion.bash
complete_line() {
    bash -c '. ./completion.bash; COMP_WORDS=("$@" ""); [ "${!#}" = . ] && COMP_WORDS=("${@:1:$#-1}" "") || COMP_WORDS=("$@")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _pgrehearse; echo ${COMPREPLY[@]}' bash "$@"
}
# a last word of "." stands for: nothing typed yet
try complete_line pgrehearse p
try complete_line pgrehearse .
try complete_line pgrehearse run --pa
try complete_line pgrehearse run s.yaml --pass .
try complete_line pgrehearse plan --format j
try complete_line pgrehearse -q report d --format .
try complete_line pgrehearse run .
try complete_line pgrehearse explain set
