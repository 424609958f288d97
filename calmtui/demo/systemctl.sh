#!/bin/sh
# systemctl of a demo host. Its units are files in ~/.units that hold one line each:
# ACTIVE SUB RESULT RESTARTS SINCE DESCRIPTION, SINCE in microseconds after boot.
set -f
cd "$HOME/.units" || exit 1

load() { read -r active sub result restarts since description <"$1"; }
now() { read -r up _ </proc/uptime 2>/dev/null || up=0.00; echo "${up%.*}${up#*.}0000"; }
become() { # become ACTIVE SUB UNIT
  load "$3"
  echo "$1 $2 success $restarts $(now) $description" >"$3"
  case $1 in active) said=Started ;; *) said=Stopped ;; esac
  printf '{"__CURSOR":"%s","__REALTIME_TIMESTAMP":"%s","_SYSTEMD_UNIT":"%s","PRIORITY":"6",' \
    "$(($(wc -l <"$HOME/.journal") + 1))" "$(date +%s)000000" "$3" >>"$HOME/.journal"
  printf '"SYSLOG_IDENTIFIER":"systemd","MESSAGE":"%s %s - %s."}\n' "$said" "$3" "$description" >>"$HOME/.journal"
}
each() { # each COMMAND...: for every unit that one of the names or patterns means
  for unit in $(ls); do
    for name in ${names:-*}; do
      # shellcheck disable=SC2254  # patterns are meant
      case $unit in $name | "$name".service) "$@" "$unit"; break ;; esac
    done
  done
}
describe() {
  load "$1"
  printf 'Id=%s\nDescription=%s\nLoadState=loaded\nActiveState=%s\nSubState=%s\n' "$1" "$description" "$active" "$sub"
  printf 'Result=%s\nNRestarts=%s\nMainPID=0\nActiveEnterTimestampMonotonic=%s\nUnitFileState=enabled\n\n' \
    "$result" "$restarts" "$since"
}
states() { load "$1"; printf '%s\n%s\n' "$active" "$sub"; }
row() { load "$1"; printf '%-28s loaded %-8s %-8s %s\n' "$1" "$active" "$sub" "$description"; }
known() {
  for name in $names; do
    [ -e "$name" ] || [ -e "$name.service" ] || { echo "Unit $name could not be found." >&2; exit 5; }
  done
}

action='' names='' show=describe
while [ $# -gt 0 ]; do
  case $1 in
    -p) shift ;;
    --value) show=states ;;
    -*) ;;
    *) if [ -z "$action" ]; then action=$1; else names="$names $1"; fi ;;
  esac
  shift
done
case ${action:-list-units} in
  is-system-running) if grep -qs '^failed' $(ls); then echo degraded; exit 1; fi; echo running ;;
  show) each "$show" ;;
  list-units | status) known; each row ;;
  start | restart | reload) known; each become active running ;;
  stop) known; each become inactive dead ;;
  reboot) : >"$HOME/.reboot" ;;
  *) echo "systemctl of a demo host: $action is not played here" >&2; exit 1 ;;
esac
