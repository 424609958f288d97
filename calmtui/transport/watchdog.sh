# Runs a command and ends it, with all that it started, when whoever asked for it is gone:
#   sh -c SCRIPT calmtui NONCE LINES BYTES WORD...    one WORD is a line for this shell, several are a program's arguments
# Standard input brings LINES lines of shell text (the environment), then BYTES bytes for the command, then nothing for as
# long as the command may run: another line, or the end of it, ends the command. BYTES is `-` for a command that reads
# standard input itself, to its end, and so needs no watching.
# At the end, \036NONCE STATUS\036 goes to standard error: what the command left behind may hold the outputs open.
calm_nonce=$1 calm_lines=$2 calm_bytes=$3; shift 3
calm_environment=
while [ "$calm_lines" -gt 0 ]; do
  IFS= read -r calm_line || exit 125
  calm_environment="$calm_environment$calm_line
"
  calm_lines=$((calm_lines - 1))
done
exec 3<&0 4>&2 2>/dev/null
if [ "$calm_bytes" != - ]; then
  exec </dev/null
  if [ "$calm_bytes" -gt 0 ]; then
    # All of it is taken in first: behind a command that does not read, the end of the channel would never be seen.
    for calm_place in "${TMPDIR:-/tmp}" /dev/shm .; do
      calm_file=$(umask 077; mktemp "$calm_place/.calmtui-XXXXXX") && break
    done
    head -c "$calm_bytes" <&3 >"$calm_file" && [ "$(($(wc -c <"$calm_file")))" = "$calm_bytes" ] && exec <"$calm_file"
    calm_status=$?
    rm -f "$calm_file"
    [ "$calm_status" = 0 ] || { echo "calmtui: there is no room for the input of the command" >&4; exit 125; }
  fi
fi
calm_table() { # a line PID:PARENT:SESSION for each process
  if [ -r /proc/self/stat ]; then
    for calm_stat in /proc/[0-9]*/stat; do
      read -r calm_row <"$calm_stat" || continue
      calm_pid=${calm_row%% *}
      set -- ${calm_row##*) }
      [ "$1" = Z ] || echo "$calm_pid:$2:$4"
    done
  else
    ps -A -o pid= -o ppid= -o pgid= | while read -r calm_pid calm_parent calm_group; do
      echo "$calm_pid:$calm_parent:$calm_group"
    done
  fi
}
calm_find() { # sets calm_found: the processes of this session, and what they started, but for this shell and the watcher
  calm_rows=$(calm_table) calm_found=" $$ " calm_before=
  while [ "$calm_found" != "$calm_before" ]; do
    calm_before=$calm_found
    for calm_row in $calm_rows; do
      calm_pid=${calm_row%%:*} calm_session=${calm_row##*:} calm_parent=${calm_row#*:}
      calm_parent=${calm_parent%%:*}
      case " $calm_self $calm_found" in *" $calm_pid "*) continue ;; esac
      [ "$calm_parent" != "$calm_self" ] || continue
      case "$calm_found $calm_known" in
        *" $calm_parent "*) calm_found="$calm_found$calm_pid " ;;
        *) [ "$calm_session" != $$ ] || calm_found="$calm_found$calm_pid " ;;
      esac
    done
  done
  calm_found=${calm_found# $$ }
  calm_known="$calm_known$calm_found"
}
calm_living() { # keeps of calm_found what still runs
  calm_rest=
  for calm_pid in $calm_found; do kill -s 0 "$calm_pid" && calm_rest="$calm_rest $calm_pid"; done
  calm_found=$calm_rest
}
calm_end() {
  trap "" TERM HUP PIPE
  calm_known=" "
  if [ -r /proc/self/stat ]; then read -r calm_self calm_row </proc/self/stat
  else calm_self=$(exec sh -c 'echo $PPID'); fi
  calm_find
  kill -s TERM $calm_found
  calm_tries=0
  while calm_living; [ -n "$calm_found" ] && [ "$calm_tries" -lt 20 ]; do
    sleep 0.1 || sleep 1
    calm_tries=$((calm_tries + 1))
  done
  calm_tries=0
  while calm_find; [ -n "$calm_found" ] && [ "$calm_tries" -lt 5 ]; do # again and again: it may start more meanwhile
    kill -s KILL $calm_found
    calm_tries=$((calm_tries + 1))
  done
}
calm_watcher=
if [ "$calm_bytes" != - ]; then
  (read -r calm_line <&3; calm_end) </dev/null >/dev/null 2>&1 4>&- & calm_watcher=$!
fi
(
  exec 2>&4 3<&- 4>&-
  eval "$calm_environment"
  [ $# = 1 ] || exec "$@"
  calm_line=$1; shift
  eval "$calm_line"
)
calm_status=$?
exec 3<&-
[ -z "$calm_watcher" ] || { kill "$calm_watcher"; wait "$calm_watcher"; }
printf '\036%s %d\036' "$calm_nonce" "$calm_status" >&4
exit "$calm_status"
