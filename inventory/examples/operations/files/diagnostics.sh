#!/bin/sh
# How this host is, in the forty lines that a run keeps. Reads only. Usage: diagnostics.sh LOG
say() { printf '== %s\n' "$1"; }

say "$(hostname), $(date -u +%Y-%m-%dT%H:%M:%SZ)"
cat /proc/loadavg
say memory
grep -E '^(MemTotal|MemAvailable|SwapTotal|SwapFree):' /proc/meminfo
say 'disks that are more than 80 % full'
df -P 2>/dev/null | awk 'NR > 1 && $5 + 0 > 80 {print $5, $6}' | head -n 5
say 'busiest processes'
ps -eo pcpu,pmem,pid,comm 2>/dev/null | sort -rn | head -n 5
if [ -d /run/systemd/system ]; then
  say 'failed units'
  systemctl list-units --failed --no-legend --plain | head -n 5
fi
if [ -r "$1" ]; then
  say "last errors in $1"
  tail -n 5000 "$1" | grep -E 'ERROR|FATAL|error' | tail -n 8 | cut -c 1-300
fi
exit 0
