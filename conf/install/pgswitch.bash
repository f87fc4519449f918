# bash completion of pgswitch(1)
_pgswitch() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options
  COMPREPLY=()
  case "$previous" in
    -u | --user) [ "${COMP_WORDS[1]}" = explain ] || mapfile -t COMPREPLY < <(compgen -u -- "$word"); return ;;
    -d | --database) [ "$COMP_CWORD" -gt 2 ] && return ;;
  esac
  case "${COMP_WORDS[1]}" in
    explain) options="--user --database --json" ;;
    test) options="--verbose --coverage --allow-unhit --junit" ;;
    replay) options="--user --database --json --against" ;;
    check) options="" ;;
    *) options="--daemon --quiet --reboot --user --verbose --version --help --settings" ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
  [ "$COMP_CWORD" = 1 ] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "check explain test replay" -- "$word")
  compopt -o filenames 2>/dev/null
}
complete -F _pgswitch pgswitch
