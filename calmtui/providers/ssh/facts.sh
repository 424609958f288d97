# Everything about a host in one go. Read by calmtui from standard input into `sh -s`; writes nothing, needs no rights.
# Sections begin with the record separator (octal 036) and a name.
LC_ALL=C; export LC_ALL
exec 2>/dev/null
section() { printf '\036%s\n' "$1"; }
section uname; uname -n; uname -s; uname -r; uname -m
section shell; echo "$SHELL"; id -un
section os; cat /etc/os-release || cat /usr/lib/os-release || { sw_vers -productName; sw_vers -productVersion; }
section cpus; getconf _NPROCESSORS_ONLN || nproc
section load; cat /proc/loadavg || uptime
section memory; while read -r key value unit; do case $key in MemTotal:|MemAvailable:|MemFree:|SwapTotal:|SwapFree:) echo "$key $value";; *) ;; esac; done </proc/meminfo
section boot; grep '^btime ' /proc/stat || sysctl -n kern.boottime
section now; date +%s
section disk; df -P -k /
section addresses; hostname -I || { ip -o addr show scope global || ifconfig -a; } | sed -n 's/.*inet6* \(addr:\)*\([0-9a-fA-F.:]*\).*/\2/p'
section machine; cat /etc/machine-id || cat /var/lib/dbus/machine-id
section cloud; cat /var/lib/cloud/data/instance-id
section board; cat /sys/class/dmi/id/board_asset_tag
section systemd; systemctl is-system-running
section units; systemctl show --no-pager -p Id,Description,LoadState,ActiveState,SubState,Result,NRestarts,MainPID,ActiveEnterTimestampMonotonic,UnitFileState -- "$@"
section uptime; cat /proc/uptime
section end
