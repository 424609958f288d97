#!/bin/sh
# journalctl of a demo host. Its journal is ~/.journal: a JSON entry a line, whose cursor is its line's number.
unit='.*' lines=1000000 follow='' cursor='' since=0
for word; do
  case $word in
    --unit=*) unit=${word#*=} ;;
    --lines=*) lines=${word#*=} ;;
    --since=@*) since=${word#*=@} ;;
    --cursor=*) cursor=$((${word#*=} - 1)) ;;
    --follow | -f) follow=1 ;;
    --output=json | --quiet | --no-pager | --no-tail) ;;
    *) echo "journalctl of a demo host: $word is not played here" >&2; exit 1 ;;
  esac
done
pick() { grep --line-buffered "\"_SYSTEMD_UNIT\":\"$unit\""; }

end=$(wc -l <"$HOME/.journal")
if [ -z "$cursor" ]; then
  # Between quotation marks, an entry's second value is its time in microseconds.
  head -n "$end" "$HOME/.journal" | pick | awk -F'"' -v since="$since" '$8 >= since * 1000000' | tail -n "$lines"
  cursor=$end
fi
tail ${follow:+-f} -n "+$((cursor + 1))" "$HOME/.journal" | pick
exit 0
