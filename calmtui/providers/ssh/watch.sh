# Goes before a script of calmtui whose standard input stays open for as long as somebody reads what it prints.
# Ends the whole process group when standard input ends, or when no line has come on it for LEFT times five seconds:
# a cut network ends no connection by itself. Every five seconds a byte on standard error says that we are there.
renice -n 5 -p $$ >/dev/null 2>&1 # reading gives way to what the host is there for
exec 3<&0 </dev/null
(
  left=$LEFT
  trap 'left=$LEFT' USR1
  while [ "$left" -gt 0 ]; do sleep 5; printf '\036' || break; left=$((left - 1)); done
  kill -s KILL -- -$$
) 3<&- >&2 &
BEATS=$!
( while read -r LINE <&3; do kill -s USR1 $BEATS; done; kill -s KILL -- -$$ ) >/dev/null 2>&1 &
exec 3<&-
